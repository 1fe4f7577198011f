"""A process that imports the site once and forks every other one from it.

Five processes that each import it for themselves keep a small machine busy for ten seconds. This one does
nothing but import: even the short commands run in a child, so that nobody inherits a connection.

Its plan comes as a line of JSON on standard input. On standard output it tells what was done, what was
started and what ended; other lines were said by a command, or by Python when the import failed.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from setproctitle import setproctitle

from qmtl_site.launcher import steps

STARTED = "started"
ENDED = "ended: "
RESTARTED = "restarted: "
SECONDS_TO_SETTLE = float(os.environ.get("QMTL_SECONDS_TO_SETTLE", "10"))
PYTHON_SCRIPT = re.compile(rb"#!.*python")


def main(modules: Sequence[str]) -> int:
    gc.disable()
    for module in modules:
        importlib.import_module(module)
    gc.freeze()  # children share these objects: none of them looks through them for garbage
    gc.enable()
    # Python 3.12 sees the threads of NumPy's BLAS, which itself takes care of forks.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    plan = json.loads(sys.stdin.readline() or "{}")  # nothing: the launcher gave up
    status = take(plan.get("steps", []))
    if status == 0:
        rear(plan.get("services", {}))
    return status


def take(commands: list[list[str]]) -> int:
    """Run commands of manage.py to their end, in one child."""
    _, status = os.waitpid(fork(partial(steps.main, commands)), 0)
    return os.waitstatus_to_exitcode(status)


def rear(services: Mapping[str, Mapping[str, Any]]) -> None:
    """Start the services, pass SIGTERM on to them, and tell of each that ends until none is left.

    One that had settled is started again; one that does not even start well would only do it again.
    """
    outputs = [service["output"] for service in services.values()]
    commands = {name: words(service["command"]) for name, service in services.items()}
    names: dict[int, str] = {}
    started: dict[str, float] = {}
    is_stopping = False

    def start(name: str) -> None:
        names[fork(partial(execute, commands[name]), services[name]["output"], outputs)] = name
        started[name] = time.monotonic()

    def pass_on(number: int, _frame: object) -> None:
        nonlocal is_stopping
        is_stopping = True
        for pid in names:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    with signals_blocked():  # none may be started and not be known
        for name in services:
            start(name)
        signal.signal(signal.SIGTERM, pass_on)
    print(STARTED, flush=True)
    while names:
        pid, status = os.wait()
        name, code = names.pop(pid), os.waitstatus_to_exitcode(status)
        if is_stopping or time.monotonic() - started[name] < SECONDS_TO_SETTLE:
            print(f"{ENDED}{name} {code}", flush=True)
            continue
        # It worked before: killed, or out of memory. Its work is found again in the database.
        print(f"{RESTARTED}{name} {code}", flush=True)
        with signals_blocked():
            start(name)


@contextmanager
def signals_blocked() -> Iterator[None]:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def fork(work: Callable[[], None], output: int | None = None, outputs: Sequence[int] = ()) -> int:
    """The child's id. The child itself does not come back: the end of its work unwinds and ends it."""
    pid = os.fork()
    if pid:
        return pid
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if output is not None:
        os.dup2(output, 1)
        os.dup2(output, 2)
    for other in outputs:
        os.close(other)
    work()
    sys.exit(0)


def execute(command: list[str]) -> None:
    """A script of Python runs here, on what is imported already; any other program replaces this process."""
    script = python_script(command)
    if script is None:
        os.execvp(command[0], command)  # noqa: S606  (a command of the Procfile)
    sys.argv = script
    setproctitle(" ".join(command))  # all are forks of one: what somebody looks for with `ps` is the command
    runpy.run_path(script[0], run_name="__main__")


def python_script(command: Sequence[str]) -> list[str] | None:
    """The script that a command runs, with its arguments."""
    program, *arguments = command
    if program == "python" and arguments and arguments[0].endswith(".py"):
        return arguments
    found = shutil.which(program)
    if found is None:
        return None
    with open(found, "rb") as file:
        return [found, *arguments] if PYTHON_SCRIPT.match(file.readline(300)) else None


def words(command: str) -> list[str]:
    """A line of the Procfile as the shell reads it, with its variables."""
    said = subprocess.run(
        ["/bin/sh", "-c", f"printf '%s\\0' {command}"], check=True, stdout=subprocess.PIPE, text=True
    )
    return said.stdout.split("\0")[:-1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
