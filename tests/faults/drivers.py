"""Starting, watching and killing real driver processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from urllib.parse import urlsplit, urlunsplit

from django.db import connection, connections

from tests.faults.driver import Fault

LEASE, STALL = 0.3, 1.0
PATIENCE = 20.0


def environment(**changes: str) -> dict[str, str]:
    """What processes read: this test's database, in the application's role."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    url = urlunsplit(parts._replace(path="/" + connections["default"].settings_dict["NAME"]))
    quiet = {"QMTL_LOG_LEVEL": "ERROR", "OPENBLAS_NUM_THREADS": "1"}
    return os.environ | {"DATABASE_URL": url, "DATABASE_OWNER_URL": url} | quiet | changes


def wait_for(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


class Drivers:
    """Forks drivers from one prepared process."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.driver"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(DJANGO_SETTINGS_MODULE="qmtl_site.settings"),
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"
        self.running: list[int] = []

    def start(self, fault: Fault | None = None, *, redis: str | None = None) -> int:
        wanted = {
            "fault": asdict(fault) if fault else None,
            "lease": LEASE,
            "stall": STALL,
            "redis": redis,
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(wanted) + "\n")
        self.process.stdin.flush()
        key = int(self.process.stdout.readline())
        self.running.append(key)
        return key

    def start_holding(self, fault: Fault | None = None, *, redis: str | None = None) -> int:
        """A driver that has the lease."""
        key = self.start(fault, redis=redis)
        wait_for(lambda: holds_lease(key))
        return key

    def kill_all(self) -> None:
        for key in self.running:
            with suppress(ProcessLookupError):
                os.kill(key, signal.SIGKILL)
        wait_for(lambda: not any(map(is_alive, self.running)))
        self.running.clear()

    def close(self) -> None:
        self.kill_all()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()


@contextmanager
def prepared_drivers() -> Iterator[Drivers]:
    drivers = Drivers()
    try:
        yield drivers
    finally:
        drivers.close()


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def holds_lease(process: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT holder FROM strategies_driverlease WHERE until > clock_timestamp()")
        return any(f":{process}:" in holder for (holder,) in cursor.fetchall())
