"""Ending what nobody wants any more: an execution, of which nothing more is sent and what was filled stays, or a plan
that has not begun, which then never does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

from django.utils import timezone

from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.ledger.transactions import use_case
from rebalancing.domain.plan import Plan
from rebalancing.errors import NothingToCancel, PlanHasBegun
from rebalancing.models import Execution, Order, PlanRecord
from rebalancing.selectors.executions import Shown, execution_document, orders_of_execution
from rebalancing.selectors.plans import plan_again, readable_plan, worlds_of
from rebalancing.services.admitting import admit, lock_all
from rebalancing.services.batches import SENT, WAITING, Batch

CANCELLED = "E_CANCELLED"


@use_case
def cancel_execution(*, run_id: str, actor: Actor, reason: str, abandon: bool = False) -> dict[str, Any]:
    """Orders that were not sent are cancelled. Those that are with a runner are `cancelling`: the runner is told to take
    them back, what it still fills is booked, and the worlds stay held until none is left. With `abandon` a person says
    that no runner has them any more: they are cancelled as well.

    A plan that has not begun is withdrawn: it stays recorded, and can never be executed. NothingToCancel where it is
    completed. Asked again, it goes on as far as it gets; also in a world that is retired. Allocations stay as they are,
    and positions are kept as the fills have left them.
    """
    row = readable_plan(run_id, actor)
    worlds = worlds_of(row)
    admit(actor, dict.fromkeys(worlds, "/run_id"))
    lock_all(worlds, writable=False)
    recall = cache(partial(plan_again, row))
    execution = cancellable(row)
    if execution is None:
        execution = withdraw(row, worlds, actor, reason)
    if execution.state == Execution.State.WITHDRAWN:
        return withdrawn_document(row, recall(), execution)
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


@use_case
def withdraw_plan(*, run_id: str, actor: Actor, reason: str) -> dict[str, Any]:
    """`cancel_execution` of who wants to end no execution: PlanHasBegun where there is one."""
    row = readable_plan(run_id, actor)
    worlds = worlds_of(row)
    admit(actor, dict.fromkeys(worlds, "/run_id"))
    lock_all(worlds, writable=False)
    execution = Execution.objects.select_for_update(no_key=True).filter(plan=row).first()
    if execution is None:
        execution = withdraw(row, worlds, actor, reason)
    elif execution.state != Execution.State.WITHDRAWN:
        raise PlanHasBegun(f"{run_id} has begun meanwhile, and is {execution.state}")
    return withdrawn_document(row, plan_again(row), execution)


def cancellable(row: PlanRecord) -> Execution | None:
    """None where it has not begun."""
    execution = Execution.objects.select_for_update(no_key=True).filter(plan=row).first()
    if execution is not None and execution.state == Execution.State.COMPLETED:
        raise NothingToCancel(f"{row.run_id} is completed: plan the way back")
    return execution


def withdraw(row: PlanRecord, worlds: Sequence[str], actor: Actor, reason: str) -> Execution:
    """Of which nothing was sent, so that no runner has to know: an act in the audit of each world, and no event."""
    execution = Execution.of_withdrawn(row, by=actor.name, reason=reason, at=timezone.now())
    execution.save(force_insert=True)
    for world in worlds:
        record(
            actor,
            "rebalancing.withdraw",
            object_type="rebalancing",
            object_id=row.run_id,
            world_id=world,
            reason=reason,
        )
    return execution


def withdrawn_document(
    row: PlanRecord, plan: Plan, execution: Execution, *, dry_run: bool = False
) -> dict[str, Any]:
    """With no orders: none was made."""
    return execution_document(row, plan, execution, Shown([], {}), dry_run=dry_run)


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
