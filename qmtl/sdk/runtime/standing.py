"""How a strategy stands in its world, as the service tells it: why it may not trade, what becomes of positions."""

from __future__ import annotations

from qmtl.client import Client, QmtlError, errors
from qmtl.sdk.errors import StrategyError
from qmtl.sdk.runtime.rivals import rivals_of

LOWERED = {
    "foreign_code": "this is not the code that was judged: submit it again",
    "node_error": "one of its nodes is in error",
    "circuit_breaker": "the circuit breaker is engaged",
    "stale_decision": "the world's newest decision is too old",
    "world_paused": "the world is paused",
    "world_retired": "the world is retired",
}


def require_binding(client: Client, world_id: str, strategy_id: str) -> str:
    """The mode that it has now. StrategyError where the strategy was not submitted to this world."""
    try:
        return client.activation(world_id, strategy_id).effective_mode
    except errors.NotFound:
        raise StrategyError(
            f"{strategy_id!r} is not bound to world {world_id!r}: submit it first "
            f"(Runner.submit, or `qmtl submit ... --world {world_id}`)"
        ) from None


def why_lowered(client: Client, world_id: str, strategy_id: str, *, client_id: str) -> str:
    """What keeps a strategy from trading, in words; "" where nobody can be asked."""
    try:
        state = {each.strategy_id: each.state for each in client.bindings(world_id, limit=500)}
        told = client.decide(world_id).reason
        others = rivals_of(client, world_id, strategy_id, client_id)
    except QmtlError:
        return ""
    if state.get(strategy_id) not in {"dry_run", "live"}:
        return f"the strategy is {state.get(strategy_id)}"
    if told in LOWERED:
        return LOWERED[told]
    return f"{told or 'the service says so'}{'; another runner holds its gate too' if others else ''}"


def carries_over(client: Client, world_id: str) -> bool:
    """Whether the world's policy takes positions over from paper; when in doubt it does not."""
    try:
        version = client.world(world_id).active_policy_version
        document = client.policy(world_id, version).document if version else None
    except QmtlError:
        return False
    return bool(((document or {}).get("position_policy") or {}).get("carry_over"))
