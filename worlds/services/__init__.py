"""Use cases of worlds and policies: each one transaction with its audit entry and event."""

from __future__ import annotations

from worlds.services.broker import open_credentials, rotate_credentials, set_broker
from worlds.services.locking import insist, lock_world
from worlds.services.policies import publish_policy, write_policy
from worlds.services.schedule import ask_evaluation, note_evaluation
from worlds.services.worlds import (
    FROZEN_FIGURES,
    change_world_state,
    create_world,
    freeze_figures,
    set_circuit_breaker,
    switch_circuit_breaker,
    update_world,
)

__all__ = [
    "FROZEN_FIGURES",
    "ask_evaluation",
    "change_world_state",
    "create_world",
    "freeze_figures",
    "insist",
    "lock_world",
    "note_evaluation",
    "open_credentials",
    "publish_policy",
    "rotate_credentials",
    "set_broker",
    "set_circuit_breaker",
    "switch_circuit_breaker",
    "update_world",
    "write_policy",
]
