"""The activation envelope: what the holder of a gate is told of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from strategies.domain.modes import execution_domain

VOLATILE = frozenset({"ts"})


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """`active` holds only in mode `live`: every mask can close a gate where it is read, none can open it."""

    world_id: str
    strategy_id: str
    side: str
    active: bool
    weight: float
    freeze: bool
    drain: bool
    effective_mode: str
    run_id: str
    ts: datetime | None
    phase: str | None
    requires_ack: bool
    sequence: int
    epoch: tuple[int, int]

    def document(self) -> dict[str, Any]:
        told = {
            "world_id": self.world_id,
            "strategy_id": self.strategy_id,
            "side": self.side,
            "active": self.active,
            "weight": self.weight,
            "freeze": self.freeze,
            "drain": self.drain,
            "effective_mode": self.effective_mode,
            "execution_domain": execution_domain(self.effective_mode),
            "run_id": self.run_id,
            "ts": self.ts,
            "phase": self.phase,
            "requires_ack": self.requires_ack,
            "sequence": self.sequence,
            "epoch": list(self.epoch),
        }
        return told | {"etag": etag_of(told)}


def etag_of(told: dict[str, Any]) -> str:
    """Of everything but the time: the same as long as nothing about the gate changes."""
    lasting = {name: value for name, value in told.items() if name not in VOLATILE}
    return hashlib.sha256(orjson.dumps(lasting, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
