"""The live-monitoring report of a world, from what its live bindings reported. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.utils import timezone

from evaluation.domain.live import WINDOWS
from evaluation.domain.record import Record, WorldTerms
from evaluation.domain.reports import LiveBinding, LiveWorld, live_report
from evaluation.services.reported import newest_backtests
from strategies.models import Binding, LatestFigures
from strategies.selectors import PerformanceWindow, performance_windows
from worlds.models import World
from worlds.selectors import active_policy, get_world

LOOKED_BACK = timedelta(days=max(WINDOWS))
BATCH = 128
"""Bindings whose chunks are in memory at a time; of each, the last 90 days are kept."""


def live_monitoring(*, world_id: str, as_of: datetime | None = None) -> dict[str, Any]:
    """The report as of now (or a moment, for the age of what was reported). NotFound for no such world.

    A handful of statements, and two more for each 128 live bindings.
    """
    world, active = get_world(world_id), active_policy(world_id)
    situation = LiveWorld(
        world_id=world.id,
        state=world.state,
        allow_live=world.allow_live,
        circuit_breaker=world.circuit_breaker,
        terms=terms_of(world),
        as_of=as_of or timezone.now(),
        policy=None if active is None else active.policy,
        policy_version=None if active is None else active.version,
    )
    return live_report(situation, list(live_bindings(world)))


def terms_of(world: World) -> WorldTerms:
    """Without the benchmark: no figure of the report asks for it."""
    return WorldTerms(
        periods_per_year=world.periods_per_year,
        risk_free_rate=world.risk_free_rate,
        reference_capital=float(world.reference_capital),
        reference_currency=world.reference_currency,
    )


def live_bindings(world: World) -> Iterator[LiveBinding]:
    rows = Binding.objects.filter(world=world, state=Binding.State.LIVE).order_by("id")
    found = iter(rows.select_related("strategy__owner", "latest").defer("latest__figures"))
    while batch := list(islice(found, BATCH)):
        yield from with_records(batch)


def with_records(bindings: Sequence[Binding]) -> Iterator[LiveBinding]:
    windows = performance_windows(bindings, window=LOOKED_BACK)
    backtests = newest_backtests(bindings)
    for binding in bindings:
        backtest = backtests.get(binding.pk)
        yield LiveBinding(
            strategy_id=binding.strategy_id,
            owner=binding.strategy.owner.username,
            live_since=binding.state_since,
            consecutive_failures=binding.consecutive_failures,
            record=record_of(windows.get(binding.pk), None if backtest is None else backtest[1]),
            backtest=backtest,
            newest_run=newest_run(getattr(binding, "latest", None)),
        )


def record_of(found: PerformanceWindow | None, backtest_sharpe: float | None) -> Record | None:
    if found is None:
        return None
    return Record(
        stage=found.mode,
        times=found.times,
        returns=found.returns,
        equity=None,
        told={"source": "live_realized", "backtest_sharpe": backtest_sharpe},
    )


def newest_run(latest: LatestFigures | None) -> dict[str, Any] | None:
    if latest is None:
        return None
    return {
        name: getattr(latest, name)
        for name in ("run_id", "stage", "verdict", "recommended_stage", "evaluated_at")
    }
