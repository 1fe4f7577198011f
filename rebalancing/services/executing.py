"""Executing a recorded plan: on paper at once, live through the world's runner; asked again, it goes on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from qmtl_site.audit.actor import Actor
from qmtl_site.ledger.transactions import use_case
from rebalancing.domain.plan import Plan
from rebalancing.errors import PlanWithdrawn
from rebalancing.models import Execution, PlanRecord
from rebalancing.selectors.executions import execution_document, shown_of
from rebalancing.selectors.plans import plan_again, readable_plan, worlds_of
from rebalancing.services.admitting import admit, lock_all
from rebalancing.services.applying import named_already
from rebalancing.services.batches import Batch, allocated_by_request
from rebalancing.services.cancelling import withdrawn_document
from rebalancing.services.holding import hold_worlds, refuse_beside_another, require_start
from rebalancing.services.orders import drafts_of, keep_drafts, refuse_too_large, shown_planned
from rebalancing.services.standings import standings_of
from worlds.errors import WorldRetired
from worlds.models import World

MOST_MADE = 20_000
"""Of more orders, the first call only makes them: the rest is done in the background, or by asking again."""


@use_case
def execute_plan(*, run_id: str, actor: Actor, dry_run: bool = False, reason: str = "") -> dict[str, Any]:
    """The execution as it stands after this call; nothing is ever filled twice.

    Paper orders are filled, live ones handed to the executing runner; what a closed gate forbids is refused and tried
    again with the next call. OpeningRefused where nothing else is left, NoExecutor where nobody trades for a world,
    ExecutionInProgress where another rebalancing does, PreconditionFailed where something has moved since the plan was
    recorded: then nothing was done. Allocations change when every order is filled and the positions are the plan's, and
    not before.
    """
    row = readable_plan(run_id, actor)
    worlds = worlds_of(row)
    admit(actor, dict.fromkeys(worlds, "/run_id"))
    locked = lock_all(worlds, writable=False)
    plan = plan_again(row)
    found = Execution.objects.select_for_update(no_key=True).filter(plan=row).first()
    if found is None or found.is_open:  # what has ended is told for all time
        refuse_retired(locked)
    if found is not None and found.state == Execution.State.WITHDRAWN:
        if dry_run:
            return withdrawn_document(row, plan, found, dry_run=True)
        said = f"{run_id} was withdrawn by {found.cancelled_by}: {found.cancel_reason}"
        raise PlanWithdrawn(said[:500], run_id=run_id)
    if dry_run:
        return rehearsed(row, plan, found)
    execution, is_new = (found, False) if found else (begin(row, plan, worlds, actor), True)
    batch = Batch(row, lambda: plan, execution, worlds, actor, reason)
    if not execution.is_open:
        return execution_document(row, plan, execution, batch.shown)
    if execution.state == Execution.State.CANCELLING:
        go_on_cancelling(batch)
    else:
        hold_worlds(execution, worlds)
        if not is_new:
            require_start(row)
        if is_new and make_orders(plan, row, execution) > MOST_MADE:
            batch.finish()
        else:
            go(batch)
    return execution_document(row, plan, execution, batch.shown, planned=batch.document)


def go(batch: Batch) -> None:
    batch.take_reported()
    batch.send()
    if batch.changed or batch.is_over():
        batch.finish()
    else:
        batch.ask_again()


def go_on_cancelling(batch: Batch) -> None:
    """Nothing is sent any more; what is still filled is booked."""
    if batch.take_reported():
        batch.finish()


def refuse_retired(worlds: Iterable[World]) -> None:
    if any(world.is_retired for world in worlds):
        raise WorldRetired()


def begin(row: PlanRecord, plan: Plan, worlds: list[str], actor: Actor) -> Execution:
    refuse_beside_another(worlds)
    require_start(row)
    if allocated_by_request(row.run_id, worlds):
        raise named_already(row.run_id, "an allocation that was said without an execution")
    now = timezone.now()
    return Execution.objects.create(plan=row, actor=actor.name, started_at=now, updated_at=now)


def make_orders(plan: Plan, row: PlanRecord, execution: Execution) -> int:
    """All orders of the plan, unsent; how many."""
    drafts = drafts_of(plan, standings_of(plan.book.strategies), run_id=row.run_id)
    refuse_too_large(drafts)
    keep_drafts(drafts, execution)
    return len(drafts)


def rehearsed(row: PlanRecord, plan: Plan, execution: Execution | None) -> dict[str, Any]:
    """What an execution would begin with; nothing is kept."""
    if execution is not None:
        return execution_document(row, plan, execution, shown_of(execution), dry_run=True)
    drafts = drafts_of(plan, standings_of(plan.book.strategies), run_id=row.run_id)
    refuse_too_large(drafts)
    return execution_document(row, plan, None, shown_planned(drafts), dry_run=True)
