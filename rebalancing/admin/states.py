"""Where a recorded plan stands, why it is outdated, and which doors that leaves."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Q

from rebalancing.models import Execution, PlanRecord

OUTDATED = "outdated"
IS_OUTDATED = Q(is_traded_over=True) | Q(is_said_over=True) | Q(is_switched_over=True)
CONDITIONS = {
    "planned": Q(execution=None) & ~IS_OUTDATED,
    OUTDATED: Q(execution=None) & IS_OUTDATED,
    **{state: Q(execution__state=state) for state in Execution.State.values},
}
"""Of rows as `with_standing` reads them, for each state."""
CLOSED_DOORS = {
    "planned": {"cancel"},
    "running": {"withdraw"},
    "cancelling": {"execute", "withdraw"},
}
ALL_DOORS = {"execute", "cancel", "withdraw"}


def state_of(row: Any) -> str:
    """`row` as `with_standing` has read it."""
    execution = getattr(row, "execution", None)
    if execution is not None:
        return str(execution.state)
    return OUTDATED if cannot_begin(row) or row.is_switched_over else "planned"


def cannot_begin(row: Any) -> bool:
    """Whether another allocation was said since it was recorded, or another execution has traded."""
    return bool(row.is_traded_over or row.is_said_over)


def closed_doors_of(row: PlanRecord) -> Collection[str]:
    """What has not begun is executed or withdrawn, what is under way is gone on with or cancelled. Who executes a plan
    of before others went live has to know it, and may."""
    state = state_of(row)
    if state == OUTDATED:
        return {"execute", "cancel"} if cannot_begin(row) else {"cancel"}
    return CLOSED_DOORS.get(state, ALL_DOORS)
