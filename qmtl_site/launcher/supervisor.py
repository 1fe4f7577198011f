"""Runs the processes of the Procfile side by side, with one log, until one ends or a signal comes."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import IO

from honcho.environ import parse_procfile
from honcho.printer import Message, Printer

from qmtl_site.launcher import signals
from qmtl_site.launcher.errors import LaunchError
from qmtl_site.launcher.watch import Watch

COLOURS = ("36", "33", "32", "35", "34")
SECONDS_TO_STOP = 7


@dataclass
class Service:
    name: str
    process: subprocess.Popen[bytes]
    colour: str
    ended: bool = False  # its output is read to the end


class Supervisor:
    """honcho's Procfile and printer; its Manager loses children that start while a signal comes in."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._services: list[Service] = []
        self._news: queue.Queue[tuple[Service | None, bytes | str | None]] = queue.Queue()
        self._printer = Printer()

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def start(self, procfile: Path, environment: Mapping[str, str]) -> None:
        commands: dict[str, str] = parse_procfile(procfile.read_text(encoding="utf-8")).processes
        self._printer.width = max(map(len, commands))
        for (name, command), colour in zip(commands.items(), cycle(COLOURS), strict=False):
            with signals.held():
                service = Service(name, self._spawn(command, procfile.parent, environment), colour)
                self._services.append(service)
                self._watch.process_started(service.process.pid, signal.SIGTERM)
            threading.Thread(target=self._read, args=(service,), daemon=True).start()

    def _spawn(self, command: str, folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        # `exec`: no shell stands between us and the process that has to get the signal.
        return subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _read(self, service: Service) -> None:
        output: IO[bytes] | None = service.process.stdout
        for line in output or ():
            self._news.put((service, line))
        service.process.wait()
        self._news.put((service, None))

    def follow(self, wait_until_ready: Callable[[], Iterable[str]]) -> None:
        """Print what the processes say. Returns never: a signal or the end of one process raises."""
        threading.Thread(target=self._announce, args=(wait_until_ready,), daemon=True).start()
        while True:
            service = self._print_next(timeout=None)
            if service is not None and service.ended:
                status = service.process.returncode
                raise LaunchError(f"{service.name} ended by itself (exit status {status}); stopped the rest.")

    def _announce(self, wait_until_ready: Callable[[], Iterable[str]]) -> None:
        for line in wait_until_ready():
            self._news.put((None, line))

    def _print_next(self, timeout: float | None) -> Service | None:
        service, data = self._news.get(timeout=timeout)
        if data is None and service is not None:
            service.ended = True
            return service
        # The terminal may be gone; that must not keep the processes from being stopped.
        with contextlib.suppress(OSError):
            if service is None:
                print(data, flush=True)
            else:
                self._printer.write(
                    Message("line", data, datetime.now(UTC).astimezone(), service.name, service.colour)
                )
        return service

    def _stop(self) -> None:
        for service in self._services:
            with contextlib.suppress(ProcessLookupError):
                service.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + SECONDS_TO_STOP
        while time.monotonic() < deadline and not all(service.ended for service in self._services):
            with contextlib.suppress(queue.Empty):
                self._print_next(timeout=0.1)
        for service in self._services:
            with contextlib.suppress(OSError):
                os.killpg(service.process.pid, signal.SIGKILL)
            service.process.wait()
            self._watch.process_ended(service.process.pid)
