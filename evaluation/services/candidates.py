"""The candidates of a world with their evidence: a handful of statements, however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson
from psycopg.rows import namedtuple_row

from evaluation.domain.candidates import Candidate, Evidence, Figures, Situation
from evaluation.domain.policy_diff.stored import figures_of
from evaluation.domain.record import Record, WorldTerms
from qmtl_site.blobs import store
from qmtl_site.blobs.store import BlobCorrupt
from qmtl_site.database import native_cursor
from worlds.models import World
from worlds.selectors import ActivePolicy


def newest(stage: str, condition: str = "true") -> str:
    """The binding's newest run of a stage that was judged by then, whatever became of it since."""
    return f"""
    LEFT JOIN LATERAL (
        SELECT id FROM evaluation_evaluationrun r
        WHERE r.world_id = b.world_id AND r.strategy_id = b.strategy_id AND r.stage = '{stage}'
          AND r.evaluated_at <= %(as_of)s AND {condition}
        ORDER BY r.evaluated_at DESC, r.id DESC LIMIT 1
    ) {stage} ON true"""


# A binding in dry run is judged by its newest paper run, a live one by its newest live run of this stay, else by
# its newest paper run.
CANDIDATES = f"""
SELECT b.id AS binding, s.id AS strategy, s.family, s.owner_id, s.side, b.state, b.state_since, b.paused_before,
       b.consecutive_passes, b.consecutive_failures, b.passing_since, b.failing_since, b.last_counted_run,
       b.last_counted_slot, b.last_outcome, b.last_reason, b.last_rank, b.last_score,
       counted.evaluated_at AS counted_at, reported.first_at AS reported_since,
       b.state = 'live' AND NOT COALESCE(gate.active, false) AS gate_closed, rejected.run_id AS rejected_run,
       COALESCE(live.id, paper.id) AS run, backtest.id AS backtest
FROM strategies_binding b
JOIN strategies_strategy s ON s.id = b.strategy_id
LEFT JOIN strategies_activation gate ON gate.binding_id = b.id
LEFT JOIN LATERAL (
    SELECT state, run_id FROM evaluation_promotion p WHERE p.world_id = b.world_id AND p.strategy_id = b.strategy_id
    ORDER BY p.id DESC LIMIT 1
) rejected ON rejected.state = 'rejected'
LEFT JOIN strategies_performanceseries reported
    ON reported.binding_id = b.id AND reported.stay = b.state_since
    AND reported.mode = CASE b.state WHEN 'live' THEN 'live' ELSE 'paper' END
LEFT JOIN evaluation_evaluationrun counted
    ON counted.world_id = b.world_id AND counted.strategy_id = b.strategy_id AND counted.run_id = b.last_counted_run
{newest("live", "b.state = 'live' AND r.created_at >= b.state_since")}
{newest("paper")}
{newest("backtest", "%(with_backtest)s")}
WHERE b.world_id = %(world)s AND b.state IN ('dry_run', 'live')
ORDER BY s.id
"""
EVIDENCE = """
SELECT r.id, r.run_id, r.stage, r.evaluated_at, d.document, d.sha256, i.document AS told,
       i.times_id, i.returns_id, i.equity_id
FROM unnest(%(runs)s::bigint[]) AS wanted (id)
JOIN evaluation_evaluationrun r USING (id)
JOIN evaluation_runresult d ON d.run_id = r.id
JOIN evaluation_runinput i ON i.run_id = r.id
"""


class Word(NamedTuple):
    """The newest word about a binding, as it is kept on it."""

    outcome: str
    reason: str
    rank: int | None
    score: float | None


@dataclass(frozen=True)
class Loaded:
    """Candidates for the decision, their bindings' keys and what the evidence is known by."""

    candidates: list[Candidate]
    bindings: dict[str, int]
    runs: dict[str, int]
    words: dict[str, Word]
    sources: dict[str, dict[str, Any]]


def situation_of(
    world: World, active: ActivePolicy, terms: WorldTerms, *, now: datetime, slot: datetime | None
) -> Situation:
    return Situation(
        world_id=world.id,
        policy=active.policy,
        policy_version=active.version,
        terms=terms,
        now=milliseconds(now),
        slot=None if slot is None else milliseconds(slot),
        world_state=world.state,
        allow_live=world.allow_live,
        circuit_breaker=world.circuit_breaker,
    )


def load_candidates(
    world: World, active: ActivePolicy, *, now: datetime, paused: timedelta = timedelta(0)
) -> Loaded:
    """Every binding in dry run or live, with the run that it is judged by as of `now`.

    `paused`: how long the world has been paused in all; what of that fell into a stay is no dwell.
    """
    rows = fetch(CANDIDATES, world=world.id, as_of=now, with_backtest=needs_backtest(active))
    evidence = {row.id: row for row in fetch_evidence(rows)}
    series = load_series(evidence.values())
    candidates, sources = [], {}
    for row in rows:
        found = evidence_of(row, evidence, series)
        own = found if isinstance(found, Evidence) else None
        error = found if isinstance(found, str) else None
        candidates.append(candidate_of(row, own, error, paused))
        sources[row.strategy] = {
            "run": source_of(evidence.get(row.run)),
            "backtest": source_of(evidence.get(row.backtest)),
        }
    return Loaded(
        candidates,
        {row.strategy: row.binding for row in rows},
        {row.strategy: row.run for row in rows if row.run is not None},
        {
            row.strategy: Word(row.last_outcome, row.last_reason, row.last_rank, row.last_score)
            for row in rows
        },
        sources,
    )


def needs_backtest(active: ActivePolicy) -> bool:
    return active.policy.paper_shadow_consistency is not None


def fetch(sql: str, **params: Any) -> list[Any]:
    with native_cursor(namedtuple_row) as cursor:
        return cursor.execute(sql, params, binary=True).fetchall()


def fetch_evidence(rows: Sequence[Any]) -> list[Any]:
    runs = {run for row in rows for run in (row.run, row.backtest) if run is not None}
    return fetch(EVIDENCE, runs=sorted(runs)) if runs else []


def load_series(rows: Iterable[Any]) -> Mapping[str, bytes] | None:
    """All series in one go; None where one is lost, so that each is looked for alone."""
    try:
        return store.get_many(names_of(rows))
    except BlobCorrupt:
        return None


def names_of(rows: Iterable[Any]) -> set[str]:
    return {
        name for row in rows for name in (row.times_id, row.returns_id, row.equity_id) if name is not None
    }


def evidence_of(
    row: Any, evidence: Mapping[int, Any], series: Mapping[str, bytes] | None
) -> Evidence | str | None:
    """The evidence of a candidate, None where it has none, or why it cannot be read."""
    found = evidence.get(row.run)
    if found is None:
        return None
    try:
        blobs = store.get_many(names_of([found])) if series is None else series
        return read(found, evidence.get(row.backtest), blobs)
    except (BlobCorrupt, ValueError, KeyError, TypeError) as error:
        return f"{type(error).__name__}: {error}"


def read(row: Any, backtest: Any, blobs: Mapping[str, bytes]) -> Evidence:
    record = Record(
        stage=row.stage,
        times=store.integers(blobs[row.times_id]) if row.times_id else None,
        returns=store.floats(blobs[row.returns_id]) if row.returns_id else None,
        equity=store.floats(blobs[row.equity_id]) if row.equity_id else None,
        told=orjson.loads(row.told),
    )
    return Evidence(
        run_id=row.run_id,
        stage=row.stage,
        evaluated_at=milliseconds(row.evaluated_at),
        record=record,
        figures=figures_in(row.document),
        backtest={} if backtest is None else figures_in(backtest.document),
    )


@lru_cache(maxsize=1024)
def figures_in(document: bytes) -> Figures:
    """Figures of a stored metrics document by dotted name; kept, as a standing world asks for the same again."""
    return MappingProxyType(figures_of(orjson.loads(document)["evaluation"]))


def candidate_of(row: Any, evidence: Evidence | None, error: str | None, paused: timedelta) -> Candidate:
    return Candidate(
        strategy_id=row.strategy,
        family=f"family:{row.family}" if row.family else f"owner:{row.owner_id}",
        side=row.side,
        state=row.state,
        state_since=milliseconds(row.state_since),
        paused=max(paused - row.paused_before, timedelta(0)) // timedelta(milliseconds=1),
        passes=row.consecutive_passes,
        failures=row.consecutive_failures,
        passing_since=None if row.passing_since is None else milliseconds(row.passing_since),
        failing_since=None if row.failing_since is None else milliseconds(row.failing_since),
        gate_closed=row.gate_closed,
        rejected_run=row.rejected_run or "",
        counted_run=row.last_counted_run,
        counted_at=None if row.counted_at is None else milliseconds(row.counted_at),
        reported_since=None if row.reported_since is None else milliseconds(row.reported_since),
        counted_slot=None if row.last_counted_slot is None else milliseconds(row.last_counted_slot),
        evidence=evidence,
        error=error,
    )


def source_of(row: Any) -> dict[str, Any] | None:
    """What a piece of evidence is known by: a replay reads the same, or finds that it cannot."""
    if row is None:
        return None
    return {
        "run": row.id,
        "result": row.sha256,
        "times": row.times_id,
        "returns": row.returns_id,
        "equity": row.equity_id,
    }


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
