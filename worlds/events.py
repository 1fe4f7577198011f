"""What happened to a world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qmtl_site.outbox.events import Event


@dataclass(frozen=True, kw_only=True)
class WorldCreated(Event):
    type: ClassVar[str] = "world.created"
    world_id: str
    name: str
    owner: str


@dataclass(frozen=True, kw_only=True)
class WorldUpdated(Event):
    type: ClassVar[str] = "world.updated"
    world_id: str
    fields: list[str]


@dataclass(frozen=True, kw_only=True)
class WorldStateChanged(Event):
    type: ClassVar[str] = "world.state_changed"
    world_id: str
    before: str
    after: str
    circuit_breaker: bool
    reason: str
    forced: bool = False


@dataclass(frozen=True, kw_only=True)
class PolicyUpdated(Event):
    type: ClassVar[str] = "policy.updated"
    world_id: str
    version: int
    state: str
    checksum: str
    ruleset_hash: str
    rollback: bool = False
