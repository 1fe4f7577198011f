"""The figures of the envelope, from the newest evaluated runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any

import numpy as np
import orjson

from qmtl.metrics import alpha_performance
from qmtl_site.audit.actor import Actor
from qmtl_site.blobs import store
from qmtl_site.database import native_cursor
from rebalancing.domain.contract import UNKNOWN, envelope_of
from strategies.models import Binding

# The newest figures of every strategy of some worlds. Two statements: one with a switch in it would be planned at every
# call, which takes longer than the reading.
FIGURES = """
SELECT b.world_id, b.strategy_id, b.state, f.figures, f.times_id, f.returns_id, a.weight, w.periods_per_year,
       w.risk_free_rate
FROM strategies_binding b JOIN strategies_latestfigures f ON f.binding_id = b.id JOIN worlds_world w ON w.id = b.world_id
LEFT JOIN strategies_activation a ON a.binding_id = b.id
WHERE b.world_id = ANY(%(worlds)s) AND b.state <> 'archived' {and_readable}
ORDER BY b.id
"""
READABLE = "EXISTS (SELECT FROM accounts_worldrole r WHERE r.world_id = b.world_id AND r.user_id = %(user)s)"
FIGURES_OF_ALL = FIGURES.format(and_readable="")
FIGURES_OF_READABLE = FIGURES.format(and_readable=f"AND {READABLE}")

NOTHING_KNOWN = orjson.Fragment(orjson.dumps(UNKNOWN))
"""Written as JSON once: a plan that asks "what if" has mostly strategies of which nothing is known."""


@dataclass(frozen=True)
class LiveSeries:
    """The newest evaluated series of a live strategy, by content hash, and its capital."""

    times: str
    returns: str
    weight: float


def alpha_metrics(
    *, worlds: Iterable[str], strategies: Iterable[tuple[str, str]], actor: Actor
) -> dict[str, Any]:
    """`{per_world, per_strategy}`, in the order of what is given; 0.0 where nothing is known, or where the actor has no
    role. One statement, and one for series that have not been measured together before.
    """
    per_strategy: dict[str, dict[str, Mapping[str, float] | orjson.Fragment]] = defaultdict(dict)
    for world, strategy in strategies:
        per_strategy[strategy][world] = NOTHING_KNOWN
    per_world: dict[str, Mapping[str, float]] = dict.fromkeys(worlds, UNKNOWN)
    live: dict[tuple[str, float, float], list[LiveSeries]] = defaultdict(list)
    for world, strategy, state, figures, times, returns, weight, periods, rate in rows_of(
        set(per_world), actor
    ):
        if world in per_strategy.get(strategy, ()):
            per_strategy[strategy][world] = envelope_of(orjson.loads(figures))
        if state == Binding.State.LIVE and times and returns and weight:
            live[world, periods, rate].append(LiveSeries(times, returns, weight))
    for (world, periods, rate), series in live.items():
        per_world[world] = portfolio_envelope(tuple(series), periods, rate)
    return {"per_world": per_world, "per_strategy": dict(per_strategy)}


def rows_of(worlds: Collection[str], actor: Actor) -> Sequence[Any]:
    reads_all = actor.is_superuser or actor.is_service
    wanted = {"worlds": list(worlds), "user": actor.user_id}
    with native_cursor() as cursor:
        return cursor.execute(FIGURES_OF_ALL if reads_all else FIGURES_OF_READABLE, wanted).fetchall()


@lru_cache(maxsize=1024)
def portfolio_envelope(
    series: tuple[LiveSeries, ...], periods_per_year: float, risk_free_rate: float
) -> Mapping[str, float]:
    """The six figures of the capital-weighted portfolio, over the times that all have; a content hash never changes
    its content, so that they are measured once.
    """
    blobs = store.get_many({name for each in series for name in (each.times, each.returns)})
    times = [store.integers(blobs[each.times]) for each in series]
    common = reduce(np.intersect1d, times)
    if len(common) < 2:
        return UNKNOWN
    total = sum(each.weight for each in series)
    returns = np.zeros(len(common))
    for each, stamps in zip(series, times, strict=True):
        own = store.floats(blobs[each.returns])[np.isin(stamps, common)]
        returns += each.weight / total * own
    return alpha_performance(returns, periods_per_year=periods_per_year, risk_free_rate=risk_free_rate)
