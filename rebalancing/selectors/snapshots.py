"""Positions as they were told."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import orjson

from rebalancing.models import Execution, PositionSnapshot


def told_since(execution: Execution) -> Sequence[PositionSnapshot]:
    """The newest positions that were told of each of its worlds after it was completed, where they are others than it
    has left. Two statements."""
    if execution.completed_at is None:
        return []
    worlds = execution.plan.worlds.values("world")
    rows = PositionSnapshot.objects.filter(world__in=worlds)
    left = {row.world_id: row for row in rows.filter(run_id=execution.plan.run_id, origin="execution")}
    since = rows.filter(origin="request", at__gt=execution.completed_at)
    newest = since.order_by("world_id", "-at", "-id").distinct("world_id")
    return [row for row in newest if row.world_id in left and held_in(row) != held_in(left[row.world_id])]


def held_in(row: PositionSnapshot) -> dict[tuple[Any, ...], Decimal]:
    """Quantities by strategy, symbol and venue; what is flat is nothing."""
    found: dict[tuple[Any, ...], Decimal] = {}
    for each in orjson.loads(row.positions):
        name = (each["strategy_id"], each["symbol"], each["venue"])
        found[name] = found.get(name, Decimal(0)) + Decimal(each["qty"])
    return {name: quantity for name, quantity in found.items() if quantity}
