"""Running commands to their end: the set-up steps, and a command between throw-away servers."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from qmtl_site.launcher.errors import Interrupted, LaunchError
from qmtl_site.launcher.places import PROJECT

SECONDS_TO_STOP = 15


def manage(environment: Mapping[str, str], *arguments: str) -> None:
    """A quiet `manage.py` step; its output is shown only if it fails."""
    print(f"  manage.py {arguments[0]}", end=" ", flush=True)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        check=False,
        cwd=PROJECT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # Ctrl-C is for the launcher, which then ends this
    )
    print(f"{time.monotonic() - began:.1f} s", flush=True)
    if done.returncode:
        raise LaunchError(f"{done.stdout}\nmanage.py {' '.join(arguments)} failed.")


def run(environment: Mapping[str, str], command: Sequence[str]) -> int:
    """Any command, with this terminal; returns its exit status."""
    try:
        process = subprocess.Popen(command, cwd=PROJECT, env=dict(environment))
    except OSError as error:
        raise LaunchError(f"{command[0]}: {error.strerror}") from error
    try:
        status = process.wait()
    except Interrupted as interrupted:
        if interrupted.signal_number != signal.SIGINT:  # Ctrl-C went to the whole terminal already
            process.send_signal(interrupted.signal_number)
        try:
            process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            process.kill()
        raise
    return status if status >= 0 else 128 - status
