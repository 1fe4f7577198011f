"""Ending an execution before it is completed: nothing more is sent, and what was filled stays."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from django.utils import timezone

from qmtl_site.audit.actor import Actor
from qmtl_site.ledger.transactions import use_case
from rebalancing.errors import NothingToCancel
from rebalancing.models import Execution, Order, PlanRecord
from rebalancing.selectors.executions import execution_document, orders_of_execution
from rebalancing.selectors.plans import plan_again, readable_plan, worlds_of
from rebalancing.services.admitting import admit, lock_all
from rebalancing.services.batches import SENT, WAITING, Batch

CANCELLED = "E_CANCELLED"


@use_case
def cancel_execution(*, run_id: str, actor: Actor, reason: str, abandon: bool = False) -> dict[str, Any]:
    """Orders that were not sent are cancelled. Those that are with a runner are `cancelling`: the runner is told to take
    them back, what it still fills is booked, and the worlds stay held until none is left. With `abandon` a person says
    that no runner has them any more: they are cancelled as well.

    NothingToCancel where the plan was not begun, or is completed. Asked again, it goes on as far as it gets; also in a
    world that is retired. Allocations stay as they are, and positions are kept as the fills have left them.
    """
    row = readable_plan(run_id, actor)
    worlds = worlds_of(row)
    admit(actor, dict.fromkeys(worlds, "/run_id"))
    lock_all(worlds, writable=False)
    execution = cancellable(row)
    recall = cache(partial(plan_again, row))
    batch = Batch(row, recall, execution, worlds, actor, reason, action="rebalancing.cancel")
    if execution.is_open:
        is_first = execution.state == Execution.State.RUNNING
        if is_first:
            ask_to_cancel(execution, actor, reason)
        batch.take_reported()
        take_back(batch, abandon=abandon)
        if is_first or batch.changed:
            batch.finish()
    return execution_document(row, recall(), execution, batch.shown)


def cancellable(row: PlanRecord) -> Execution:
    execution = Execution.objects.select_for_update(no_key=True).filter(plan=row).first()
    if execution is None:
        raise NothingToCancel(f"{row.run_id} has not begun: there is nothing to cancel")
    if execution.state == Execution.State.COMPLETED:
        raise NothingToCancel(f"{row.run_id} is completed: plan the way back")
    return execution


def ask_to_cancel(execution: Execution, actor: Actor, reason: str) -> None:
    execution.withdraw()
    execution.cancelled_at, execution.cancelled_by = timezone.now(), actor.name
    execution.cancel_reason = reason


def take_back(batch: Batch, *, abandon: bool) -> None:
    """What was not sent, in one statement for any number of it; what was, one by one."""
    said = f"cancelled: {batch.reason}"[:500]
    waiting = orders_of_execution(batch.execution).filter(status__in=WAITING)
    waiting.update(status=Order.Status.CANCELLED, reason=said, code=CANCELLED, updated_at=batch.now)
    for order in [each for each in batch.sent if each.status in SENT]:  # as their fills have left them
        if abandon:
            order.cancel()
        elif order.status == Order.Status.HANDED:
            order.withdraw()
        else:
            continue
        order.reason, order.code, order.updated_at = said, CANCELLED, batch.now
        batch.changed.append(order)
