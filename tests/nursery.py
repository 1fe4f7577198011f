"""Processes of the service, forked from one that has it imported: a process that imports it by itself takes 4 s.

    driver = start("python manage.py driver", environment(QMTL_DRIVER_MAKES_UP_AFTER="0.5s"))

As `make run` starts them (qmtl_site/launcher/nursery.py), but at any time and each in an environment of its own: the
settings are read anew after the fork. The nursery itself has no connection, serves nothing and does nothing but
fork; so what starts here knows as little of what ran before as a process that was started by itself.

It starts when the first process is asked for (one for each worker of pytest-xdist), and ends with the tests.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from qmtl_site.launcher import nursery
from qmtl_site.launcher.places import PROJECT

# What the processes import; not what they make of it (qmtl_site.wsgi, qmtl_site.asgi), which depends on the settings.
SITE = ("qmtl_site.urls", "qmtl_site.http.chunked", "qmtl_site.stream.application", "qmtl_site.driver")


# --- for tests ---------------------------------------------------------------------------------------------------
def start(command: str, environment: Mapping[str, str]) -> Process:
    """A command as the Procfile has them, run in the project's folder; what it says is captured with the test's."""
    programs = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
    return Process(the_nursery().ask(command=command, environment={**environment, "PATH": programs}))


@dataclass
class Process:
    """What subprocess.Popen is for children of one's own."""

    pid: int
    returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = the_nursery().ask(ended=self.pid)
        return self.returncode

    def wait(self, timeout: float) -> int:
        deadline = time.monotonic() + timeout
        while (status := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
            time.sleep(0.01)
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:  # until its end was asked for, nobody else gets its id
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@cache
def the_nursery() -> Nursery:
    running = Nursery()
    atexit.register(running.close)
    return running


class Nursery:
    """Asks the process for one thing after the other."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.nursery"],
            cwd=PROJECT,
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "qmtl_site.settings", "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for pytest, which then ends this
        )

    def ask(self, **asked: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        with self._one_at_a_time:
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """The process kills what still runs, and ends."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process.stdout.close()


# --- the process -------------------------------------------------------------------------------------------------
def main() -> None:
    import django

    gc.disable()
    django.setup()
    for module in SITE:
        importlib.import_module(module)
    gc.freeze()  # as in the nursery of `make run`: children do not look through what they share
    gc.enable()
    born: set[int] = set()
    for line in sys.stdin:
        asked = json.loads(line)
        if "command" in asked:
            work = partial(become, asked["command"], asked["environment"])
            pid = nursery.fork(work, output=sys.stderr.fileno())
            born.add(pid)
            answer = json.dumps(pid)
        else:
            pid, status = os.waitpid(asked["ended"], os.WNOHANG)
            born.discard(pid)
            answer = json.dumps(os.waitstatus_to_exitcode(status) if pid else None)
        print(answer, flush=True)
    for pid in born:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def become(command: str, environment: Mapping[str, str]) -> None:
    """In the child: all that was made of the other environment is made anew, which is the settings."""
    from django.conf import settings
    from django.db import connections

    os.environ.clear()
    os.environ.update(environment)
    read = importlib.reload(importlib.import_module("qmtl_site.settings"))
    for name in filter(str.isupper, dir(read)):
        setattr(settings, name, getattr(read, name))
    for alias, database in settings.DATABASES.items():
        connections[alias].settings_dict.update(database)
    nursery.execute(nursery.words(command))


if __name__ == "__main__":
    main()
