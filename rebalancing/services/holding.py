"""One execution at a time trades in a world, and it goes on only from where its plan began. The worlds are locked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from qmtl_site.http.refusals import PreconditionFailed
from rebalancing.errors import ExecutionInProgress
from rebalancing.models import Execution, ExecutionWorld, Order, PlanRecord
from rebalancing.models.execution import TRADED
from rebalancing.selectors.allocations import current_etags


def hold_worlds(execution: Execution, worlds: Iterable[str]) -> None:
    """Until it has ended; ExecutionInProgress where another one has not."""
    free = set(worlds) - refuse_beside_another(worlds, own=execution)
    ExecutionWorld.objects.bulk_create(
        [ExecutionWorld(execution=execution, world_id=world) for world in sorted(free)]
    )


def refuse_beside_another(worlds: Iterable[str], own: Execution | None = None) -> set[str]:
    """ExecutionInProgress where another execution trades in one of them; the worlds that `own` holds."""
    rows = ExecutionWorld.objects.filter(world__in=list(worlds), released_at=None).order_by("world_id")
    held = list(rows.values_list("execution_id", "world_id", "execution__plan__run_id"))
    for key, world, run_id in held:
        if own is None or key != own.pk:
            said = f"{run_id} is being executed in {world}: let it be completed, or cancel it"
            raise ExecutionInProgress(said, run_id=run_id, world_id=world)
    return {world for _, world, _ in held}


def hindrance(row: PlanRecord) -> str:
    """Why a plan that has not begun cannot begin now, or ""."""
    worlds = [each.world_id for each in row.worlds.all()]
    try:
        refuse_beside_another(worlds)
        require_start(row)
    except (ExecutionInProgress, PreconditionFailed) as refused:
        return refused.detail
    return ""


def release_worlds(execution: Execution, *, at: datetime) -> None:
    ExecutionWorld.objects.filter(execution=execution, released_at=None).update(released_at=at)


def require_start(row: PlanRecord) -> None:
    """PreconditionFailed where a world is not as it was when the plan was recorded: it has another allocation, or
    another execution has traded there since. Somebody has to plan again."""
    started = {each.world_id: each.etag for each in row.worlds.all()}
    current = current_etags(started)
    moved = sorted(
        world for world, etag in started.items() if etag is not None and current.get(world, "") != etag
    )
    if moved:
        said = f"The allocation of {', '.join(moved)} has changed since {row.run_id} was recorded: plan again"
        raise PreconditionFailed(said, current_etags=current)
    if name := traded_since(row, started):
        said = f"{name} has traded in these worlds since {row.run_id} was recorded: plan again from the positions"
        raise PreconditionFailed(said, current_etags=current)


def traded_since(row: PlanRecord, worlds: Iterable[str]) -> str | None:
    """The run of an execution that has ended in one of the worlds since, and has moved something."""
    since = ExecutionWorld.objects.filter(world__in=list(worlds), released_at__gte=row.created_at)
    ended = since.exclude(execution=row.pk).values("execution")
    orders = Order.objects.filter(TRADED, execution__in=ended)
    return orders.values_list("execution__plan__run_id", flat=True).first()
