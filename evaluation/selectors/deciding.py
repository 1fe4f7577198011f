"""The decision envelope of a world: the mode in which its strategies may act, read from the database."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from psycopg.rows import namedtuple_row

from qmtl_site.accounts.admitted import WHO, admitted_rows
from strategies.domain.modes import Effective, effective_mode, execution_domain, highest_mode
from strategies.selectors.tallies import count_lowered
from worlds.domain.policy import Policy
from worlds.selectors import compiled

# A state counts where one of its bindings is not masked by itself; the world's own masks follow.
DECIDE = (
    WHO
    + """
SELECT w.id, w.state, w.allow_live, w.circuit_breaker, w.decision_stale_at <= now() AS stale, w.last_evaluation_at,
       d.decision_id, v.version, t.policy_id, t.checksum,
       EXISTS (SELECT FROM strategies_binding b WHERE b.world_id = w.id AND b.state <> 'archived') AS is_used,
       EXISTS (
           SELECT FROM strategies_node n JOIN strategies_binding b ON b.id = n.binding_id
           WHERE n.state = 'error' AND b.world_id = w.id AND b.state <> 'archived'
       ) AS node_error,
       ARRAY(
           SELECT s.state
           FROM unnest(ARRAY['rejected', 'inactive', 'submitted', 'validating', 'dry_run', 'live']) AS s (state)
           WHERE EXISTS (
               SELECT FROM strategies_binding b WHERE b.world_id = w.id AND b.state = s.state
               AND (b.running_code_hash IN ('', b.judged_code_hash) OR b.judged_code_hash = '')
               AND NOT EXISTS (
                   SELECT FROM strategies_node n WHERE n.binding_id = b.id AND n.state = 'error'))
       ) AS states
FROM who
LEFT JOIN worlds_world w ON who.may_read AND w.id = %(world)s
LEFT JOIN LATERAL (
    SELECT decision_id FROM evaluation_decision e WHERE e.world_id = w.id ORDER BY e.number DESC LIMIT 1
) d ON true
LEFT JOIN worlds_policyversion v ON v.world_id = w.id AND v.state = 'active'
LEFT JOIN worlds_policytext t ON t.policy_id = v.id
"""
)


def decision_envelope(digest: str, world_id: str) -> dict[str, Any]:
    """`{world_id, policy_version, effective_mode, execution_domain, reason, as_of, ttl, etag}`.

    The holder of the token is let in by the statement that reads. `ttl` (seconds) only limits how long it may be
    cached; the etag is stable while the decision is.
    """
    (row,) = admitted_rows(DECIDE, {"digest": digest, "world": world_id}, row_factory=namedtuple_row)
    modes = [mode_of(row, state) for state in row.states]
    if row.is_used and not modes:
        modes = [Effective("compute-only", "node_error" if row.node_error else "foreign_code")]
    count_lowered(modes)
    mode = highest_mode(each.mode for each in modes)
    policy = Policy() if row.policy_id is None else compiled(row.policy_id, row.checksum)
    told = {
        "world_id": world_id,
        "policy_version": row.version,
        "effective_mode": mode,
        "execution_domain": execution_domain(mode),
        "reason": reason_of(row, mode, modes),
        "as_of": row.last_evaluation_at,
        "ttl": round(policy.decision.ttl.delta.total_seconds()),
    }
    lasting = [world_id, row.version, mode, told["reason"], row.decision_id]
    return told | {"etag": hashlib.sha256(orjson.dumps(lasting)).hexdigest()[:32]}


def mode_of(row: Any, state: str) -> Effective:
    return effective_mode(
        binding_state=state,
        world_state=row.state,
        allow_live=row.allow_live,
        circuit_breaker=row.circuit_breaker,
        stale=row.stale,
    )


def reason_of(row: Any, mode: str, modes: list[Effective]) -> str:
    """What lowered the mode, or what it comes from."""
    lowered = next((each.lowered_by for each in reversed(modes) if each.lowered_by is not None), None)
    if lowered is not None:
        return lowered
    if not modes:
        return "no_strategies"
    return f"{mode}_strategies"
