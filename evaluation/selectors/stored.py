"""Hot reads of stored bytes: one SQL statement each, token and role included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from evaluation.errors import RunNotEvaluated
from evaluation.selectors.runs import run_shape
from qmtl_site.accounts.admitted import WHO, admitted_rows
from qmtl_site.http.documents import dump
from strategies.domain.modes import effective_mode

RUN = """
    FROM who
    LEFT JOIN evaluation_evaluationrun r ON who.may_read
        AND r.world_id = %(world)s AND r.strategy_id = %(strategy)s AND r.run_id = %(run)s
    LEFT JOIN evaluation_runresult d ON d.run_id = r.id
"""
METRICS = WHO + "SELECT r.status, d.sha256, d.document " + RUN
STATUS = (
    WHO
    + """SELECT r.status, r.stage, r.status_reason, r.created_at, r.updated_at, r.evaluated_at, d.summary,
                d.snapshot_name, w.state, w.allow_live, w.circuit_breaker,
                w.decision_stale_at <= now(), b.state"""
    + RUN
    + """LEFT JOIN worlds_world w ON w.id = r.world_id
         LEFT JOIN strategies_binding b ON b.world_id = r.world_id AND b.strategy_id = r.strategy_id"""
)
SNAPSHOT = (
    WHO
    + """SELECT s.name, s.sha256, s.document FROM who
         LEFT JOIN evaluation_snapshot s ON who.may_read AND s.world_id = %(world)s AND s.name = %(name)s"""
)
# A blob is readable where a snapshot of the world refers to it.
BLOB = (
    WHO
    + """SELECT s.world_id FROM who LEFT JOIN evaluation_snapshot s ON who.may_read AND s.world_id = %(world)s
         AND (s.returns_parquet_id = %(sha256)s OR s.pnl_parquet_id = %(sha256)s) LIMIT 1"""
)
PHASES = {"backtest_running": "backtest", "evaluating": "evaluate"}


@dataclass(frozen=True)
class Stored:
    """Bytes as they were finished when they were written, and their sha256."""

    body: bytes
    sha256: str


def one_row(sql: str, **params: str) -> Sequence[Any]:
    return admitted_rows(sql, params)[0]  # type: ignore[no-any-return]


def stored_metrics(*, digest: str, world_id: str, strategy_id: str, run_id: str) -> Stored:
    """The metrics document; RunNotEvaluated while there is none."""
    status, sha256, document = one_row(
        METRICS, digest=digest, world=world_id, strategy=strategy_id, run=run_id
    )
    if document is None:
        raise RunNotEvaluated(f"The run is {status}", run_status=status)
    return Stored(document, sha256)


def stored_run(*, digest: str, world_id: str, strategy_id: str, run_id: str) -> bytes:
    """The run's status document."""
    (
        status,
        stage,
        reason,
        created,
        updated,
        evaluated,
        summary,
        snapshot,
        world_state,
        allow_live,
        breaker,
        stale,
        state,
    ) = one_row(STATUS, digest=digest, world=world_id, strategy=strategy_id, run=run_id)
    return dump(
        run_shape(
            world_id=world_id,
            strategy_id=strategy_id,
            run_id=run_id,
            stage=stage,
            status=status,
            status_reason=reason,
            phase=PHASES.get(status),
            created_at=created,
            updated_at=updated,
            evaluated_at=evaluated,
            mode=effective_mode(
                binding_state=state or "",
                world_state=world_state,
                allow_live=allow_live,
                circuit_breaker=breaker,
                stale=stale,
            ).mode,
            summary=orjson.Fragment(summary) if summary else None,
            snapshot_name=snapshot,
        )
    )


def stored_snapshot(*, digest: str, world_id: str, name: str) -> Stored:
    _, sha256, document = one_row(SNAPSHOT, digest=digest, world=world_id, name=name)
    return Stored(document, sha256)


def stored_blob(*, digest: str, world_id: str, sha256: str) -> str:
    """The sha256 again, when the caller may read that blob."""
    one_row(BLOB, digest=digest, world=world_id, sha256=sha256)
    return sha256
