"""Running commands to their end: the set-up steps, and a command between throw-away servers."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

from qmtl_site.launcher.errors import Interrupted, LaunchError
from qmtl_site.launcher.places import PROJECT
from qmtl_site.launcher.steps import DONE

SECONDS_TO_STOP = 15


def manage(environment: Mapping[str, str], *steps: Sequence[str]) -> None:
    """Quiet `manage.py` commands, one after the other; what they say is shown only if one fails."""
    process = subprocess.Popen(
        [sys.executable, "-m", "qmtl_site.launcher.steps", json.dumps(steps)],
        cwd=PROJECT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # Ctrl-C is for the launcher, which then ends this
    )
    said = []
    try:
        for line in process.stdout or ():
            if line.startswith(DONE):
                print(f"  {line.removeprefix(DONE)}", end="", flush=True)
            else:
                said.append(line)
    except BaseException:
        process.kill()
        raise
    if process.wait():
        raise LaunchError("".join(said))


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
