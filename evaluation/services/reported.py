"""Paper and live runs from what bindings reported of their performance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils import timezone

from evaluation.events import RunCreated
from evaluation.models import EvaluationRun
from evaluation.services.candidates import figures_in
from evaluation.services.evaluate import BATCH, evaluate_batch
from evaluation.services.intake import Taken, canonical_hash, keep_many
from evaluation.services.runs import default_run_id, facts, told
from qmtl_site.audit.actor import Actor
from qmtl_site.blobs import store
from qmtl_site.database import native_cursor
from qmtl_site.outbox.events import emit
from strategies.models import Binding
from strategies.selectors import PerformanceWindow, performance_windows
from strategies.services import record_measured
from worlds.models import World
from worlds.selectors import ActivePolicy

LEAST_POINTS = 2


@dataclass(frozen=True)
class Batch:
    """How far the bindings of a world have been looked through: up to this key."""

    key: int = 0


def make_runs(*, world: World, active: ActivePolicy, after: Batch, actor: Actor) -> Batch | None:
    """One run for each of the next bindings in dry run or live that reported something new, judged at once.

    How far that went; None where nobody has more to tell. A part of the evaluation, in a transaction of its own
    within the world's turn: the world is not locked, and bindings only while the verdicts are written.
    """
    bindings = reporting(world, after)
    if not bindings:
        return None
    window = active.policy.evaluation_window
    windows = performance_windows(bindings, window=None if window is None else window.delta)
    measured = [
        (b, windows[b.pk]) for b in bindings if b.pk in windows and windows[b.pk].times.size >= LEAST_POINTS
    ]
    runs = create_runs(measured, actor)
    evaluate_batch(world_id=world.id, only=[run.pk for run in runs])
    record_measured(revisions={b.pk: found.revision for b, found in measured})
    return Batch(bindings[-1].pk)


REPORTING = """
SELECT DISTINCT b.id FROM strategies_binding b JOIN strategies_performanceseries p ON p.binding_id = b.id
WHERE b.world_id = %s AND b.id > %s AND b.state IN ('dry_run', 'live') AND p.stay = b.state_since
  AND p.mode = CASE b.state WHEN 'live' THEN 'live' ELSE 'paper' END AND p.revision > b.measured_revision
ORDER BY b.id LIMIT %s
"""


def anybody_reports(world_id: str, after: Batch) -> bool:
    """Whether there is anything to make runs from: in most evaluations there is not."""
    with native_cursor() as cursor:
        return cursor.execute(REPORTING, [world_id, after.key, 1]).fetchone() is not None


def reporting(world: World, after: Batch) -> list[Binding]:
    """The next bindings with performance of this stay that no run was made from, by key."""
    with native_cursor() as cursor:
        keys = [key for (key,) in cursor.execute(REPORTING, [world.pk, after.key, BATCH])]
    rows = Binding.objects.filter(pk__in=keys).select_related("strategy").order_by("id")
    return list(rows) if keys else []


def create_runs(measured: Sequence[tuple[Binding, PerformanceWindow]], actor: Actor) -> list[EvaluationRun]:
    now = timezone.now()
    sharpes = backtest_sharpes([binding for binding, found in measured if found.mode == "live"])
    taken = [taken_from(found, sharpes.get(binding.pk)) for binding, found in measured]
    runs = EvaluationRun.objects.bulk_create(
        EvaluationRun(
            world_id=binding.world_id,
            strategy=binding.strategy,
            run_id=default_run_id(now),
            stage=found.mode,
            status=EvaluationRun.Status.EVALUATING,
            request_hash=each.request_hash,
            strategy_version=binding.strategy.version,
            code_hash=binding.judged_code_hash or binding.strategy.code_hash,
            family_key=binding.strategy.family_key,
            created_at=now,
            updated_at=now,
        )
        for (binding, found), each in zip(measured, taken, strict=True)
    )
    keep_many(list(zip(runs, taken, strict=True)))
    for run in runs:
        told(run, actor, "run.create", source="performance")
        emit(RunCreated(**facts(run)))
    return runs


def backtest_sharpes(bindings: Sequence[Binding]) -> dict[int, float]:
    """By binding key, the Sharpe of its newest evaluated backtest: what its live figures are held against."""
    return {key: sharpe for key, (_, sharpe) in newest_backtests(bindings).items() if sharpe is not None}


def newest_backtests(bindings: Sequence[Binding]) -> dict[int, tuple[str, float | None]]:
    """By binding key, run id and Sharpe of its newest evaluated backtest; bindings of one world."""
    if not bindings:
        return {}
    by_strategy = {binding.strategy_id: binding.pk for binding in bindings}
    runs = EvaluationRun.objects.filter(
        world_id=bindings[0].world_id, strategy__in=by_strategy, stage="backtest", evaluated_at__isnull=False
    )
    newest = runs.order_by("strategy", "-evaluated_at", "-id").distinct("strategy").select_related("result")
    return {
        by_strategy[run.strategy_id]: (
            run.run_id,
            figures_in(bytes(run.result.document)).get("returns.sharpe"),
        )
        for run in newest
    }


def taken_from(found: PerformanceWindow, backtest_sharpe: float | None) -> Taken:
    document: dict[str, Any] = {"meta": {"pnl_source": "reported_performance", "tags": [found.mode]}}
    if found.mode == "live":
        document["source"] = "live_realized"
        if backtest_sharpe is not None:
            document["backtest_sharpe"] = backtest_sharpe
    if found.trades is not None:
        document["trades"] = {"count": found.trades}
    digest = canonical_hash(
        {
            "document": document,
            "times": store.name_of(store.integer_bytes(found.times)),
            "returns": store.name_of(store.float_bytes(found.returns)),
        }
    )
    return Taken(document, digest, found.times, found.returns, equity_of(found))


def equity_of(found: PerformanceWindow) -> Any:
    """Reported equity with the capital before the first period in front; None unless all of it is known."""
    if not (np.isfinite(found.equity).all() and np.isfinite(found.pnl[0])):
        return None
    return np.concatenate(([found.equity[0] - found.pnl[0]], found.equity))
