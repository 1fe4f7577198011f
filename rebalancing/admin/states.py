"""Where a recorded plan stands, why it is outdated, and which doors that leaves."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from rebalancing.models import PlanRecord, PlanWorld

OUTDATED = "outdated"
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
    return bool(row.is_traded_over) or any(map(has_moved, row.worlds.all()))


def has_moved(each: PlanWorld) -> bool:
    now = getattr(each.world, "allocation", None)
    return each.etag is not None and each.etag != ("" if now is None else now.etag)


def closed_doors_of(row: PlanRecord) -> Collection[str]:
    """What has not begun is executed or withdrawn, what is under way is gone on with or cancelled. Who executes a plan
    of before others went live has to know it, and may."""
    state = state_of(row)
    if state == OUTDATED:
        return {"execute", "cancel"} if cannot_begin(row) else {"cancel"}
    return CLOSED_DOORS.get(state, ALL_DOORS)
