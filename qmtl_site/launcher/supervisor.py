"""Runs the processes of the Procfile side by side, with one log, until one ends or a signal comes."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import cycle
from pathlib import Path

from honcho.environ import parse_procfile
from honcho.printer import Message, Printer

from qmtl_site.launcher import signals
from qmtl_site.launcher.errors import LaunchError
from qmtl_site.launcher.nursery import ENDED, RESTARTED, STARTED
from qmtl_site.launcher.steps import DONE
from qmtl_site.launcher.watch import Watch

COLOURS = ("36", "33", "32", "35", "34")
SECONDS_TO_STOP = 7


@dataclass(frozen=True)
class Service:
    name: str
    command: str
    colour: str
    reading: int  # the two ends of the pipe that takes its output
    writing: int


class Supervisor:
    """honcho's Procfile and printer; its Manager loses children that start while a signal comes in.

    The processes are children of one that has the site imported (nursery.py), all in its process group.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._services: list[Service] = []
        self._nursery: subprocess.Popen[str] | None = None
        self._started = False
        self._outputs = 0  # that are not read to their end
        self._news: queue.Queue[Callable[[], None]] = queue.Queue()  # threads read, this one acts
        self._announcement: Callable[[], Iterable[str]] = tuple
        self._printer = Printer()

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *_: object) -> None:
        if self._nursery is not None:
            self._stop(self._nursery)

    def load(self, procfile: Path, modules: Sequence[str], environment: Mapping[str, str]) -> None:
        """Begin to import the site."""
        commands: dict[str, str] = parse_procfile(procfile.read_text(encoding="utf-8")).processes
        self._printer.width = max(map(len, commands))
        self._services = [
            Service(name, command, colour, *os.pipe())
            for (name, command), colour in zip(commands.items(), cycle(COLOURS), strict=False)
        ]
        with signals.held():
            self._nursery = self._spawn(procfile.parent, modules, environment)
            self._watch.process_started(self._nursery.pid, signal.SIGTERM)
        for service in self._services:
            os.close(service.writing)
            self._read(self._read_service, service)
        self._read(self._read_nursery, self._nursery)

    def _spawn(
        self, folder: Path, modules: Sequence[str], environment: Mapping[str, str]
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "qmtl_site.launcher.nursery", *modules],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C is for the launcher, which then ends this
            pass_fds=[service.writing for service in self._services],
        )

    def start(self, *steps: Sequence[str]) -> None:
        """Run these commands of manage.py, then start the processes; `follow` tells what comes of it."""
        services = {
            service.name: {"command": service.command, "output": service.writing}
            for service in self._services
        }
        if self._nursery and self._nursery.stdin:
            with contextlib.suppress(OSError):  # it has ended: the import failed
                self._nursery.stdin.write(json.dumps({"steps": steps, "services": services}) + "\n")
                self._nursery.stdin.close()

    def follow(self, announcement: Callable[[], Iterable[str]]) -> None:
        """Print what the processes say, and the announcement once they run.

        Returns never: a signal or the end of one process raises.
        """
        self._announcement = announcement
        while True:
            self._news.get()()

    def _read(self, read: Callable[..., None], source: object) -> None:
        self._outputs += 1
        threading.Thread(target=read, args=(source,), daemon=True).start()

    def _read_service(self, service: Service) -> None:
        with open(service.reading, "rb") as output:
            for line in output:
                self._news.put(partial(self._print_line, service, line))
        self._news.put(self._output_ended)

    def _read_nursery(self, nursery: subprocess.Popen[str]) -> None:
        said = []
        for line in nursery.stdout or ():
            if line.startswith(DONE):
                self._news.put(partial(self._print, f"  {line.removeprefix(DONE).rstrip()}"))
            elif line.startswith(STARTED):
                self._news.put(self._services_started)
            elif line.startswith(RESTARTED):
                name, status = line.removeprefix(RESTARTED).split()
                again = f"{name} ended by itself (exit status {status}); it is started again."
                self._news.put(partial(self._print, again))
            elif line.startswith(ENDED):
                name, status = line.removeprefix(ENDED).split()
                ended = f"{name} ended by itself (exit status {status}); stopped the rest."
                self._news.put(partial(self._fail, ended))
            else:
                said.append(line)
        exit_status = nursery.wait()
        self._news.put(self._output_ended)
        self._news.put(
            partial(self._fail, "".join(said) or f"QMTL ended by itself (exit status {exit_status}).")
        )

    def _services_started(self) -> None:
        self._started = True
        threading.Thread(target=self._announce, daemon=True).start()

    def _announce(self) -> None:
        for text in self._announcement():
            self._news.put(partial(self._print, text))

    def _output_ended(self) -> None:
        self._outputs -= 1

    def _fail(self, reason: str) -> None:
        raise LaunchError(reason)

    # The terminal may be gone; that must not keep the processes from being stopped.
    def _print(self, text: str) -> None:
        with contextlib.suppress(OSError):
            print(text, flush=True)

    def _print_line(self, service: Service, line: bytes) -> None:
        with contextlib.suppress(OSError):
            moment = datetime.now(UTC).astimezone()
            self._printer.write(Message("line", line, moment, service.name, service.colour))

    def _stop(self, nursery: subprocess.Popen[str]) -> None:
        if self._started:
            nursery.terminate()
            deadline = time.monotonic() + SECONDS_TO_STOP
            while self._outputs and time.monotonic() < deadline:
                with contextlib.suppress(queue.Empty, LaunchError):
                    self._news.get(timeout=0.1)()
        with contextlib.suppress(OSError):
            os.killpg(nursery.pid, signal.SIGKILL)
        nursery.wait()
        self._watch.process_ended(nursery.pid)
