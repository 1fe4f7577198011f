"""Runs manage.py several times in one process: importing the site takes longer than most commands.

Started as a process of its own with the commands as JSON: [["migrate", "--noinput"], ...].
"""

from __future__ import annotations

import json
import runpy
import sys
import time

DONE = "done: "  # the launcher shows these lines at once, the others only if a command fails


def main(commands: list[list[str]]) -> None:
    for command in commands:
        began = time.monotonic()
        sys.argv = ["manage.py", *command]
        try:
            runpy.run_path("manage.py", run_name="__main__")
        except SystemExit as end:
            if end.code:
                print(f"manage.py {' '.join(command)} failed.")
                raise
        print(f"{DONE}manage.py {command[0]} ({time.monotonic() - began:.1f} s)", flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
