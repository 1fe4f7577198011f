"""How a gate stands, in a word and in sentences: what people read who ask why orders do not pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

OPEN, FROZEN, KEPT_SHUT, CLOSED = STANDINGS = ("open", "frozen", "kept shut", "closed")
"""Orders pass; an apply waits; it is told to be open and something shuts it; it is told to be closed."""

# What lowers a mode, in the order in which it is looked for, and what it means for a gate.
MASKS: Mapping[str, str] = {
    "world_paused": "the world is paused",
    "world_retired": "the world is retired",
    "world_evaluation_only": "the world only evaluates",
    "circuit_breaker": "the circuit breaker is engaged",
    "stale_decision": "the newest decision is too old, or there is none",
    "node_error": "one of its nodes is in error",
    "foreign_code": "a holder of it runs other code than the judged one",
    "live_not_allowed": "the world does not allow real orders",
    "unknown_state": "its state is not known",
}


def masks(
    *,
    world_state: str,
    allow_live: bool,
    circuit_breaker: bool,
    stale: bool | None,
    foreign_code: bool,
    node_error: bool,
) -> list[str]:
    """All that would lower the mode of a live strategy, not only what is found first; names of MASKS."""
    holding = {
        f"world_{world_state.lower()}": world_state != "ACTIVE",
        "circuit_breaker": circuit_breaker,
        "stale_decision": stale is not False,
        "node_error": node_error,
        "foreign_code": foreign_code,
        "live_not_allowed": not allow_live,
    }
    return [name for name, holds in holding.items() if holds]


def reasons(
    *, binding_state: str, masked_by: Sequence[str], active: bool, freeze: bool, run_id: str
) -> list[str]:
    """Everything that keeps it from letting orders pass; nothing where they pass."""
    told = [f"apply {run_id} waits for whoever holds it"] if freeze else []
    if binding_state != "live":
        return [f"the strategy is not live ({binding_state.replace('_', ' ')})", *told]
    if not active and not freeze:
        told.append("it was told to be closed")
    return [*(MASKS.get(name, name.replace("_", " ")) for name in masked_by), *told]


def told_to_be(active: bool, freeze: bool) -> str:
    """What one act told a gate, whatever shut it beside that."""
    return FROZEN if freeze else OPEN if active else CLOSED
