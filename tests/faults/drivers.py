"""Starting, watching and killing real driver processes."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict

from django.db import connection

from tests import nursery
from tests.events import processes
from tests.faults.driver import Fault
from tests.nursery import Process
from tests.waiting import wait_for

LEASE, STALL = 0.3, 1.0
PATIENCE = 20.0


def environment(**changes: str) -> dict[str, str]:
    """What processes read: this test's database, in the application's role."""
    quiet = {"QMTL_LOG_LEVEL": "ERROR", "OPENBLAS_NUM_THREADS": "1"}
    return processes.environment(**quiet | changes)


class Drivers:
    def __init__(self) -> None:
        self.running: list[Process] = []

    def start(self, fault: Fault | None = None, *, redis: str | None = None) -> Process:
        wanted = {
            "fault": asdict(fault) if fault else None,
            "lease": LEASE,
            "stall": STALL,
            "redis": redis,
        }
        command = f"python tests/faults/driver.py {shlex.quote(json.dumps(wanted))}"
        self.running.append(nursery.start(command, environment()))
        return self.running[-1]

    def start_holding(self, fault: Fault | None = None, *, redis: str | None = None) -> Process:
        """A driver that has the lease."""
        driver = self.start(fault, redis=redis)
        wait_for(lambda: holds_lease(driver))
        return driver

    def kill_all(self) -> None:
        for driver in self.running:
            driver.kill()
        for driver in self.running:
            driver.wait(timeout=PATIENCE)
        self.running.clear()


def is_alive(driver: Process) -> bool:
    return driver.poll() is None


def holds_lease(driver: Process) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT holder FROM strategies_driverlease WHERE until > clock_timestamp()")
        return any(f":{driver.pid}:" in holder for (holder,) in cursor.fetchall())
