"""The one function from what is known of a binding to the mode in which it may act."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

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
LADDER = ("compute-only", "validate", "shadow", "paper", "live")
"""Modes from the least to the most that they allow."""
HALTED_WORLDS = frozenset({"PAUSED", "RETIRED"})


class Effective(NamedTuple):
    """A mode, and what lowered it (None: nothing did)."""

    mode: str
    lowered_by: str | None


def effective_mode(
    *,
    binding_state: str,
    world_state: str,
    allow_live: bool,
    circuit_breaker: bool,
    stale: bool | None = False,
    node_error: bool = False,
    foreign_code: bool = False,
) -> Effective:
    """Mode of a binding; what is not known lowers to `compute-only`.

    `stale`: whether the world's newest decision is too old to be trusted; None where there is none yet, which is
    enough for paper and not for live. `node_error`: one of its nodes failed. `foreign_code`: somebody who holds
    its gate runs other code than the judged one.
    """
    mode = MODE_OF_STATE.get(binding_state)
    if mode is None:
        return Effective("compute-only", "unknown_state")
    if mode == "compute-only":
        return Effective(mode, None)
    halting = {
        f"world_{world_state.lower()}": world_state in HALTED_WORLDS,
        "circuit_breaker": circuit_breaker,
        "stale_decision": stale is True or (stale is None and mode == "live"),
        "node_error": node_error,
        "foreign_code": foreign_code,
    }
    for reason, holds in halting.items():
        if holds:
            return Effective("compute-only", reason)
    if mode == "live" and world_state != "ACTIVE":
        return Effective("paper", f"world_{world_state.lower()}")
    if mode == "live" and not allow_live:
        return Effective("paper", "live_not_allowed")
    return Effective(mode, None)


def is_stale(stale_at: datetime | None, now: datetime) -> bool | None:
    """Whether the newest decision is too old; None where there is none."""
    return None if stale_at is None else now >= stale_at


def highest_mode(modes: Iterable[str]) -> str:
    """A world's own mode: the highest of its bindings' modes, `validate` with none."""
    return max(modes, key=LADDER.index, default="validate")


def execution_domain(mode: str) -> str:
    """Where a mode's computations and orders go."""
    return DOMAIN_OF_MODE[mode]


def is_open(*, mode: str, active: bool, freeze: bool, drain: bool) -> bool:
    """Whether an opening order may pass the gate, as far as the service knows; the lease is the holder's to know."""
    return mode == "live" and active and not freeze and not drain
