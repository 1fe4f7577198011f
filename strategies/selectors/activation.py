"""Gates as they are read: from the database, with every mask, in one statement however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg.rows import dict_row, namedtuple_row

from qmtl.contracts.activation import state_hash
from qmtl_site.accounts.admitted import WHO, admitted_rows
from qmtl_site.database import native_cursor
from qmtl_site.http.refusals import NotFound
from strategies.domain.envelopes import Envelope
from strategies.domain.modes import Effective, effective_mode
from strategies.selectors.tallies import count_lowered

COLUMNS = """
SELECT b.strategy_id, COALESCE(a.side, s.side) AS side, b.state, COALESCE(a.active, false) AS active,
       COALESCE(a.weight, 0) AS weight, COALESCE(a.freeze, false) AS freeze, COALESCE(a.drain, false) AS drain,
       COALESCE(a.incarnation, g.incarnation) AS incarnation, COALESCE(a.number, 0) AS number,
       COALESCE(a.sequence, 0) AS sequence, COALESCE(a.run_id, '') AS run_id, a.changed_at, p.phase,
       p.plan -> 'openings' @> jsonb_build_array(jsonb_build_object('strategy_id', b.strategy_id)) AS opens,
       w.state AS world_state, w.allow_live, w.circuit_breaker, w.decision_stale_at <= now() AS stale,
       (b.running_code_hash <> '' AND b.judged_code_hash <> ''
        AND b.running_code_hash <> b.judged_code_hash) AS foreign_code,
       EXISTS (SELECT FROM strategies_node n WHERE n.binding_id = b.id AND n.state = 'error') AS node_error
"""
OF_BINDINGS = """
LEFT JOIN strategies_binding b ON b.world_id = w.id AND b.state <> 'archived'
      AND (%(strategy)s::text IS NULL OR b.strategy_id = %(strategy)s)
"""
WITH_GATES = """
LEFT JOIN strategies_gateauthority g ON g.world_id = w.id
LEFT JOIN strategies_strategy s ON s.id = b.strategy_id
LEFT JOIN strategies_activation a ON a.binding_id = b.id
LEFT JOIN strategies_apply p ON p.world_id = w.id AND p.settled_at IS NULL AND p.run_id = a.run_id
"""
GATES = (
    COLUMNS
    + "FROM worlds_world w"
    + OF_BINDINGS
    + WITH_GATES
    + "WHERE w.id = %(world)s ORDER BY b.strategy_id"
)
ADMITTED = (
    WHO
    + COLUMNS.replace("SELECT", "SELECT w.id AS world,", 1)
    + "FROM who LEFT JOIN worlds_world w ON who.may_read AND w.id = %(world)s"
    + OF_BINDINGS
    + WITH_GATES
    + "ORDER BY b.strategy_id"
)
# OFFSET 0: one binding is looked up for each hold, whatever the planner believes of the tables' sizes.
OF_HOLDS = """
FROM strategies_gatehold held JOIN worlds_world w ON w.id = %(world)s
JOIN LATERAL (
    SELECT * FROM strategies_binding WHERE world_id = w.id AND strategy_id = held.strategy_id AND state <> 'archived'
    OFFSET 0
) b ON true
"""
HELD = COLUMNS + OF_HOLDS + WITH_GATES + "WHERE held.client_id = %(client)s ORDER BY b.strategy_id"
# What the history says that each gate was told last, up to a moment.
THEN = """
SELECT DISTINCT ON (r.binding_id) b.strategy_id, r.side, r.active, r.weight, r.freeze, r.drain, r.incarnation,
       r.number, r.sequence, r.run_id, r.changed_at, r.mode, r.policy_version, r.decision_id, r.actor, r.reason
FROM strategies_activationrecord r JOIN strategies_binding b ON b.id = r.binding_id
WHERE b.world_id = %(world)s AND r.changed_at <= %(at)s
  AND (%(strategy)s::text IS NULL OR b.strategy_id = %(strategy)s)
ORDER BY r.binding_id, r.changed_at DESC, r.id DESC
"""
TOLD = """
SELECT b.strategy_id, a.side, a.active, a.weight, a.freeze, a.drain, a.sequence,
       ARRAY[a.incarnation, a.number] AS epoch
FROM strategies_activation a JOIN strategies_binding b ON b.id = a.binding_id WHERE b.world_id = %s
"""
ASKING = frozenset({"freeze", "unfreeze"})


def gate_documents(
    world_id: str, *, strategy_id: str | None = None, side: str | None = None
) -> list[dict[str, Any]]:
    """Envelopes of a world's gates as they hold now; NotFound for a strategy that has none there."""
    with native_cursor(namedtuple_row) as cursor:
        rows = cursor.execute(GATES, {"world": world_id, "strategy": strategy_id}).fetchall()
    return documents_of(world_id, rows, strategy_id=strategy_id, side=side)


def held_documents(world_id: str, client: int) -> list[dict[str, Any]]:
    """Envelopes of the gates that a client holds."""
    with native_cursor(namedtuple_row) as cursor:
        rows = cursor.execute(HELD, {"world": world_id, "client": client}).fetchall()
    return documents_of(world_id, rows, strategy_id=None, side=None)


def admitted_documents(
    digest: str, world_id: str, *, strategy_id: str | None = None, side: str | None = None
) -> list[dict[str, Any]]:
    """The same for the holder of a token, who is let in by the statement that reads."""
    params = {"digest": digest, "world": world_id, "strategy": strategy_id}
    rows = admitted_rows(ADMITTED, params, row_factory=namedtuple_row)
    return documents_of(world_id, rows, strategy_id=strategy_id, side=side)


def documents_of(
    world_id: str, rows: Sequence[Any], *, strategy_id: str | None, side: str | None
) -> list[dict[str, Any]]:
    bound = [row for row in rows if row.strategy_id is not None]
    found = [envelope(world_id, row).document() for row in bound if side is None or row.side == side]
    if strategy_id is not None and not found:
        raise NotFound(f"There is no gate of {strategy_id} in {world_id}")
    return found


def mode_of_row(row: Any) -> Effective:
    return effective_mode(
        binding_state=row.state,
        world_state=row.world_state,
        allow_live=row.allow_live,
        circuit_breaker=row.circuit_breaker,
        stale=row.stale,
        node_error=row.node_error,
        foreign_code=row.foreign_code,
    )


def envelope(world_id: str, row: Any) -> Envelope:
    """`active` as it holds: what is masked is not active, whatever the gate was told."""
    effective = mode_of_row(row)
    mode = effective.mode
    count_lowered([effective])
    return Envelope(
        world_id=world_id,
        strategy_id=row.strategy_id,
        side=row.side,
        active=row.active and mode == "live",
        weight=row.weight,
        freeze=row.freeze,
        drain=row.drain,
        effective_mode=mode,
        run_id=row.run_id,
        ts=row.changed_at,
        phase=row.phase,
        requires_ack=row.phase in ASKING and row.opens,
        sequence=row.sequence,
        epoch=(row.incarnation, row.number),
    )


def gates_at(
    world_id: str, at: datetime, *, strategy_id: str | None = None, side: str | None = None
) -> list[dict[str, Any]]:
    """What gates were told last at a moment, under which policy, by whom and why; NotFound for a strategy whose gate
    had been told nothing by then.
    """
    with native_cursor(namedtuple_row) as cursor:
        rows = cursor.execute(THEN, {"world": world_id, "at": at, "strategy": strategy_id}).fetchall()
    wanted = sorted(
        (row for row in rows if side is None or row.side == side), key=lambda row: row.strategy_id
    )
    if strategy_id is not None and not wanted:
        raise NotFound(f"Nothing had been told to a gate of {strategy_id} in {world_id} by then")
    return [told_then(world_id, row) for row in wanted]


def told_then(world_id: str, row: Any) -> dict[str, Any]:
    held = Envelope(
        world_id=world_id,
        strategy_id=row.strategy_id,
        side=row.side,
        active=row.active and row.mode == "live",
        weight=row.weight,
        freeze=row.freeze,
        drain=row.drain,
        effective_mode=row.mode,
        run_id=row.run_id,
        ts=row.changed_at,
        phase=None,
        requires_ack=False,
        sequence=row.sequence,
        epoch=(row.incarnation, row.number),
    )
    why = {name: getattr(row, name) for name in ("policy_version", "decision_id", "actor", "reason")}
    return {**held.document(), **why}


def gates_hash(world_id: str) -> dict[str, Any]:
    """The hash that a client gets by replaying the world's events, and up to which of them."""
    with native_cursor(dict_row) as cursor:
        rows: Sequence[Any] = cursor.execute(TOLD, [world_id]).fetchall()
    newest = max((row["sequence"] for row in rows), default=0)
    return {"world_id": world_id, "state_hash": state_hash(rows), "sequence": newest}
