"""What allocators would give the strategies of a world, from the series of their newest evaluated runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import numpy as np
import orjson

from qmtl_site.blobs import store
from rebalancing.domain.allocators import Bounds, Field, compare
from rebalancing.models import Allocation, PositionSnapshot
from strategies.models import Binding
from worlds.domain.broker import PaperTerms
from worlds.models import World
from worlds.selectors import active_policy, broker_settings

STATES = (Binding.State.LIVE, Binding.State.DRY_RUN)


def allocator_documents(world: World) -> dict[str, Any]:
    """What the five methods give the live strategies of a world; where none is live, those in dry run."""
    rows = bindings_of(world)
    policy = active_policy(world.pk)
    selection = policy.policy.selection if policy else None
    exposure = selection.exposure if selection else None
    bounds = (
        Bounds()
        if exposure is None
        else Bounds(exposure.max_gross, exposure.max_weight, exposure.max_per_family)
    )
    allocation = Allocation.objects.filter(world=world).first()
    field = field_of(world, rows, allocation)
    return {
        "world_id": world.pk,
        "allocation": None if allocation is None else float(allocation.allocation),
        "strategies": list(field.names),
        "current": dict(zip(field.names, field.current.tolist(), strict=True)),
        "policy_method": selection.weights.method if selection else None,
        "proposals": [asdict(each) for each in compare(field, bounds)] if rows else [],
    }


def bindings_of(world: World) -> list[Any]:
    """Those that would be given capital, in the order of their names."""
    rows = (
        Binding.objects.filter(world=world, state__in=STATES)
        .select_related("strategy", "latest")
        .order_by("strategy_id")
    )
    found = list(rows)
    live = [row for row in found if row.state == Binding.State.LIVE]
    return live or found


def field_of(world: World, rows: Sequence[Any], allocation: Allocation | None) -> Field:
    settings = broker_settings(world.pk)
    costs = PaperTerms() if settings is None else PaperTerms.model_validate(settings.paper)
    now = current_weights(allocation)
    return Field(
        names=[row.strategy_id for row in rows],
        families=[row.strategy.family or row.strategy_id for row in rows],
        scores=np.array(
            [np.nan if row.last_score is None else row.last_score for row in rows], dtype=np.float64
        ),
        returns=panel_of(rows),
        current=np.array([now.get(row.strategy_id, 0.0) for row in rows], dtype=np.float64),
        periods_per_year=world.periods_per_year,
        capital=0.0 if allocation is None else float(allocation.allocation * allocation.total_equity),
        cost_bps=float(costs.taker_bps + costs.slippage_bps),
    )


def current_weights(allocation: Allocation | None) -> dict[str, float]:
    """Fractions of the world's capital: as they were said, else the gross notional of what is held."""
    if allocation is None or not allocation.allocation:
        return {}
    if allocation.strategies:
        return {
            name: float(Decimal(text) / allocation.allocation) for name, text in allocation.strategies.items()
        }
    capital = float(allocation.allocation * allocation.total_equity)
    newest = PositionSnapshot.objects.filter(world=allocation.world_id).order_by("-at", "-id").first()
    held: dict[str, float] = defaultdict(float)
    for row in orjson.loads(newest.positions) if newest else []:
        held[row["strategy_id"]] += abs(float(row["qty"])) * float(row["mark"]) / capital
    return dict(held)


def panel_of(rows: Sequence[Any]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Series on the union of their times, NaN where one has no point."""
    named = [getattr(row, "latest", None) for row in rows]
    wanted = {name for each in named if each for name in (each.times_id, each.returns_id) if name}
    blobs = store.get_many(wanted)
    series = [
        (store.integers(blobs[each.times_id]), store.floats(blobs[each.returns_id]))
        if each and each.times_id and each.returns_id
        else None
        for each in named
    ]
    times = [each[0] for each in series if each]
    union = np.unique(np.concatenate(times)) if times else np.zeros(0, dtype=np.int64)
    panel = np.full((len(rows), len(union)), np.nan)
    for place, each in enumerate(series):
        if each:
            panel[place, np.searchsorted(union, each[0])] = each[1]
    return panel
