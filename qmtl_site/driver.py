"""The broker-free process: relays committed events, drives applies, and judges what no worker took in time.

It sleeps on LISTEN and wakes by NOTIFY from the transaction that wrote an event; polling is the net. Several may run:
one holds the lease and drives the applies, the others stand by for it; everything else is claimed row by row.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.utils import timezone

from evaluation.services import due_worlds, evaluate_if_due, evaluate_waiting, worlds_waiting
from qmtl_site.delivery.pusher import Pusher
from qmtl_site.outbox.events import CHANNEL
from qmtl_site.outbox.relay import relay_all
from rebalancing.services import settle_executions
from strategies.selectors import due_applies
from strategies.services import LeaseLost, drive_apply, hold_lease, release_lease

log = structlog.get_logger(__name__)

RETRY_SECONDS = 1.0
MAKE_UP_SECONDS = 0.5


def drive() -> None:
    """Run until SIGTERM or SIGINT; a lost database is waited for."""
    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    log.info("driver.started")
    pusher = Pusher()
    pusher.start()
    while not stopping.is_set():
        try:
            listen()
            while not stopping.is_set():
                guarded(drive_applies)  # before all else: gates wait for nothing
                pusher.wake()  # on threads of its own: a receiver that hangs holds up nothing here
                step()
                wait_for_news(settings.DRIVER_POLL_SECONDS)
        except (DatabaseError, InterfaceError) as error:
            log.warning("driver.database_lost", error=f"{type(error).__name__}: {error}"[:200])
            with suppress(DatabaseError, InterfaceError):
                connection.close()
            stopping.wait(RETRY_SECONDS)
    pusher.stop()
    with suppress(DatabaseError, InterfaceError):
        release_lease()
    log.info("driver.stopped")


def step() -> None:
    """Everything that is due now, each part guarded from the other's faults; gates before what may take longer."""
    guarded(relay_everything)
    guarded(drive_applies)
    if rounds.are_due():
        guarded(make_up)
        guarded(make_up_schedule)
        guarded(make_up_executions)


def guarded(part: Callable[[], None]) -> None:
    try:
        part()
    except (OperationalError, InterfaceError, LeaseLost):
        raise
    except Exception:
        log.exception("driver.step_failed", part=getattr(part, "__name__", repr(part)))


def relay_everything() -> None:
    while relay_all():
        pass


def drive_applies() -> None:
    """Take each apply in flight as far as it goes now, if this process holds the lease; else it stands by."""
    keys = due_applies()
    if not keys and time.monotonic() < duty.renew_at:
        return
    fence = duty.hold()
    if fence is None:
        return
    try:
        for key in keys:
            guarded(partial(drive_one, key, fence))
    except LeaseLost as lost:  # it was stopped in between; the next step asks anew
        duty.fence = None
        log.warning("driver.fenced_off", why=str(lost))


def drive_one(key: int, fence: int) -> None:
    phase = drive_apply(apply_id=key, fence=fence)
    log.debug("driver.apply", apply=key, phase=phase)


def make_up() -> None:
    """Judge runs that have waited too long for a worker."""
    overdue = timezone.now() - settings.DRIVER_MAKES_UP_AFTER
    for world_id in worlds_waiting(since_before=overdue):
        guarded(partial(make_up_world, world_id))


def make_up_world(world_id: str) -> None:
    judged = evaluate_waiting(world_id=world_id)
    if judged:
        log.warning("driver.made_up", world_id=world_id, runs=judged)


def make_up_schedule() -> None:
    """Evaluate worlds that have been due too long for anybody to come."""
    overdue = timezone.now() - settings.SCHEDULE_MAKES_UP_AFTER
    for world_id in due_worlds(since_before=overdue):
        guarded(partial(make_up_evaluation, world_id))


def make_up_evaluation(world_id: str) -> None:
    if evaluate_if_due(world_id=world_id):
        log.warning("driver.made_up_evaluation", world_id=world_id)


def make_up_executions() -> None:
    """Go on with executions that no worker has looked at for too long; a batch at a time, as gates wait meanwhile."""
    overdue = timezone.now() - settings.EXECUTIONS_MAKE_UP_AFTER
    completed = settle_executions(since_before=overdue, seconds=MAKE_UP_SECONDS)
    if completed:
        log.warning("driver.made_up_executions", completed=completed)


@dataclass
class Duty:
    """What this process was told last of its lease; whether it still holds it, each step finds in the database."""

    fence: int | None = None
    renew_at: float = 0.0

    def hold(self) -> int | None:
        """The fence to come with; asked for where there is none, and renewed after a third of the lease."""
        return self.ask() if self.fence is None or time.monotonic() >= self.renew_at else self.fence

    def ask(self) -> int | None:
        self.renew_at = time.monotonic() + settings.DRIVER_LEASE.total_seconds() / 3
        before, self.fence = self.fence, hold_lease()
        if self.fence != before:
            log.info("driver.lease", fence=self.fence, before=before)
        return self.fence


duty = Duty()


@dataclass
class Rounds:
    """When it was looked last for what nobody took in time: that is late already, and no news tells of it."""

    next_at: float = 0.0

    def are_due(self) -> bool:
        now = time.monotonic()
        if now < self.next_at:
            return False
        self.next_at = now + settings.DRIVER_POLL_SECONDS
        return True


rounds = Rounds()


def listen() -> None:
    connection.ensure_connection()
    raw().execute(f"LISTEN {CHANNEL}")
    stall = settings.DRIVER_STALL // timedelta(milliseconds=1)
    raw().execute(f"SET idle_in_transaction_session_timeout = {stall}")


def wait_for_news(seconds: float) -> None:
    """Return at the first notification, or after the time."""
    for _ in raw().notifies(timeout=seconds, stop_after=1):
        return


def raw() -> Any:
    """psycopg's own connection under Django's, in autocommit; InterfaceError when a fault has closed it."""
    if connection.connection is None or connection.connection.closed:
        raise InterfaceError("the database connection was lost")
    return connection.connection
