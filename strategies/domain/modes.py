"""The one function from what is known of a binding to the mode in which it may act."""

from __future__ import annotations

MODE_OF_STATE = {
    "submitted": "validate",
    "validating": "validate",
    "rejected": "compute-only",
    "dry_run": "paper",
    "live": "live",
    "inactive": "compute-only",
    "archived": "compute-only",
}
DOMAIN_OF_MODE = {
    "validate": "backtest",
    "compute-only": "backtest",
    "paper": "dryrun",
    "shadow": "shadow",
    "live": "live",
}
HALTED_WORLDS = frozenset({"PAUSED", "RETIRED"})


def effective_mode(*, binding_state: str, world_state: str, allow_live: bool, circuit_breaker: bool) -> str:
    """Mode of a binding, lowered where anything demands it; what is not known lowers to `compute-only`."""
    mode = MODE_OF_STATE.get(binding_state, "compute-only")
    if world_state in HALTED_WORLDS or circuit_breaker:
        return "compute-only"
    if mode == "live" and (not allow_live or world_state != "ACTIVE"):
        return "paper"
    return mode


def execution_domain(mode: str) -> str:
    return DOMAIN_OF_MODE[mode]
