"""Going on with executions in the background: fills that came back, and orders that no call had time for."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from functools import cache, partial

import structlog
from django.db import InterfaceError, OperationalError, connection
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from qmtl_site.audit.actor import Actor
from qmtl_site.http.refusals import PreconditionFailed
from qmtl_site.ledger.transactions import use_case
from rebalancing.domain.plan import Plan
from rebalancing.errors import ExecutionInProgress
from rebalancing.models import Execution, Order, PlanRecord
from rebalancing.models.execution import OPEN
from rebalancing.selectors.plans import plan_again, worlds_of
from rebalancing.services.admitting import lock_all
from rebalancing.services.batches import SENT, Batch
from rebalancing.services.holding import hold_worlds, require_start
from worlds.errors import WorldRetired

log = structlog.get_logger(__name__)

SERVICE = Actor.service("rebalancing")
REPORTED = "fills were reported"
GOES_ON = "goes on with what was begun"
SECONDS, SECONDS_EACH = 4.0, 4.0
"""Of a round, which is asked for every 5 s, and of one execution in it: then others have their turn."""
PAGE = 100


def settle_executions(*, since_before: datetime | None = None, seconds: float = SECONDS) -> int:
    """Go on with every execution that waits for something, the one first that was not looked at for longest; how many
    were completed by it. A fault in one holds up no other one.

    `since_before`: only those that nobody has looked at since then. `seconds`: after which no other one is looked at; a
    batch that has begun is finished, and the next round begins with the others.
    """
    began, completed = timezone.now(), 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        page = list(waiting_executions(min(began, since_before or began))[:PAGE])
        for row in page:
            if claimed(row):
                completed += guarded(row, min(seconds, SECONDS_EACH))
            if time.monotonic() >= until:
                break
        if len(page) < PAGE:
            break
    return completed


def waiting_executions(before: datetime) -> QuerySet[Execution]:
    """With an order that is new, or with a runner; not begun or looked at since."""
    orders = Order.objects.filter(execution=OuterRef("pk"), status__in=[Order.Status.NEW, *SENT])
    rows = Execution.objects.filter(Exists(orders), state__in=OPEN).select_related("plan")
    since = Coalesce("looked_at", "started_at")
    return rows.annotate(since=since).filter(since__lt=before).order_by("since", "pk")


def claimed(row: Execution) -> bool:
    """Whether nobody else has taken it meanwhile. No lock is held: the work has its own."""
    mine = Execution.objects.filter(pk=row.pk, looked_at=row.looked_at)
    return bool(mine.update(looked_at=timezone.now()))


def guarded(row: Execution, seconds: float) -> bool:
    try:
        return go_on(row.plan, seconds)
    except (OperationalError, InterfaceError) as error:
        log.warning(
            "rebalancing.not_gone_on", run_id=row.plan.run_id, error=f"{type(error).__name__}: {error}"[:200]
        )
    except Exception:
        log.exception("rebalancing.not_gone_on", run_id=row.plan.run_id)
    return False


def go_on(record: PlanRecord, seconds: float = SECONDS_EACH) -> bool:
    """Batch after batch, each a transaction of its own; whether the execution is completed by it."""
    recall, until = cache(partial(plan_again, record)), time.monotonic() + seconds
    while time.monotonic() < until:
        completed, is_more = go_on_once(record=record, recall=recall)
        if completed or not is_more:
            return completed
    return False


@use_case
def go_on_once(*, record: PlanRecord, recall: Callable[[], Plan]) -> tuple[bool, bool]:
    """Book what runners have reported, and send the next new orders; whether that completed the execution, and whether
    there are more."""
    if not is_my_turn(record):
        return False, False
    worlds = worlds_of(record)
    locked = lock_all(worlds, writable=False)
    execution = Execution.objects.select_for_update(no_key=True).get(plan=record)
    if not execution.is_open:
        return False, False
    batch = Batch(record, recall, execution, worlds, SERVICE, REPORTED, is_asked=False)
    batch.take_reported()
    if execution.state == Execution.State.RUNNING and has_new(execution):
        batch.reason = f"{GOES_ON} by {execution.actor}"
        if any(world.is_retired for world in locked):
            batch.put_off_all("one of its worlds is retired", WorldRetired.code)
        else:
            send(batch)
    if batch.changed:
        batch.finish()
    return execution.state == Execution.State.COMPLETED, bool(batch.changed) and has_new(execution)


def is_my_turn(record: PlanRecord) -> bool:
    """Until the end of the transaction; False while another round is at it, which nobody waits for."""
    with connection.cursor() as cursor:
        key = f"rebalancing goes on:{record.pk}"
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [key])
        return bool(cursor.fetchone()[0])


def send(batch: Batch) -> None:
    """What may not go on waits, with its reason, for somebody who asks."""
    try:
        hold_worlds(batch.execution, batch.worlds)
        require_start(batch.row)
    except (PreconditionFailed, ExecutionInProgress) as refused:
        batch.put_off_all(refused.detail, refused.code)
    else:
        batch.send()


def has_new(execution: Execution) -> bool:
    return Order.objects.filter(execution=execution, status=Order.Status.NEW).exists()
