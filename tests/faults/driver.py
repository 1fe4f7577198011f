"""A real driver that dies, stands still or is cut off where a test says: python tests/faults/driver.py JSON"""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any


@dataclass
class Fault:
    """What befalls a driver (`kill`, `stop` or `cut` off its database) with one world's apply, once.

    `where`: before or after the commit of a `step`, inside it, while waiting in a phase, or in the relay, when the
    handlers of the event have run and the cursor is not moved.
    """

    act: str
    where: str
    step: str
    world: str
    happened: bool = False

    def befalls(self, where: str, step: str, world: str) -> None:
        if self.happened or (where, step, world) != (self.where, self.step, self.world):
            return
        self.happened = True
        if self.act == "cut":
            cut_off()
        else:
            os.kill(os.getpid(), {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}[self.act])


def cut_off() -> None:
    """End this process's own session, as an administrator or a broken network would."""
    import psycopg
    from django.db import connection

    key = connection.connection.info.backend_pid
    with psycopg.connect(os.environ["DATABASE_URL"]) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [key])


def prepare(fault: Fault) -> None:
    """Put the fault between the lines of the driver's code."""
    from qmtl_site.ledger import transactions
    from qmtl_site.outbox import relay
    from strategies.models import Apply
    from strategies.services import apply_steps

    now_at: list[tuple[str, str]] = []

    def noted(name: str) -> Callable[..., None]:
        honest = getattr(apply_steps, name)

        @functools.wraps(honest)
        def step(apply: Any, *given: Any, **named: Any) -> None:
            now_at.append((name, apply.world_id))
            honest(apply, *given, **named)

        return step

    for name in ("freeze", "switch", "unfreeze", "complete", "roll_back"):
        setattr(apply_steps, name, noted(name))

    def inside(name: str) -> None:
        """A part that steps share: whatever step is at it is in its middle."""
        honest = getattr(apply_steps, name)

        def part(*given: Any, **named: Any) -> Any:
            if now_at:
                fault.befalls("inside", *now_at[-1])
            return honest(*given, **named)

        setattr(apply_steps, name, part)

    inside("tell")
    take_step, due_applies = apply_steps.take_step, apply_steps.due_applies
    write_staged, deliver = transactions.write_staged, relay.deliver

    def written(pending: Any) -> None:
        write_staged(pending)
        if now_at:
            fault.befalls("before", *now_at[-1])

    def taken(*, apply_id: int, fence: int) -> bool:
        now_at.clear()
        done = take_step(apply_id=apply_id, fence=fence)
        if done:
            fault.befalls("after", *now_at[-1])
        now_at.clear()
        return done

    def asked(apply_id: int) -> list[int]:
        due = due_applies(apply_id)
        if not due:
            apply = Apply.objects.get(pk=apply_id)
            fault.befalls("waiting", apply.phase, apply.world_id)
        return due

    def delivered(event: Any) -> None:
        deliver(event)
        fault.befalls("relay", event.type, event.stream)

    apply_steps.take_step, apply_steps.due_applies = taken, asked
    transactions.write_staged, relay.deliver = written, delivered


def become_driver(wanted: dict[str, Any]) -> None:
    from django.conf import settings

    from qmtl_site.driver import drive

    settings.DRIVER_POLL_SECONDS = 0.05
    settings.DRIVER_LEASE = timedelta(seconds=wanted["lease"])
    settings.DRIVER_STALL = timedelta(seconds=wanted["stall"])
    if wanted["redis"] is not None:
        settings.REDIS_URL = settings.CELERY_BROKER_URL = wanted["redis"]
    if wanted["fault"] is not None:
        prepare(Fault(**wanted["fault"]))
    drive()


if __name__ == "__main__":
    import django

    django.setup()
    become_driver(json.loads(sys.argv[1]))
