"""Modes, gates and leases, applies, edges, commands by hand (spec 06). Keys that are not listed stand in `raw`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from qmtl.client.decoding import Document


@dataclass(frozen=True, kw_only=True)
class WorldMode(Document):
    """The decision envelope: in which mode a world's strategies may act now."""

    world_id: str
    effective_mode: str
    execution_domain: str
    reason: str = ""
    policy_version: int | None = None
    as_of: datetime | None = None
    ttl: int = 0
    etag: str = ""


@dataclass(frozen=True, kw_only=True)
class Activation(Document):
    """The activation envelope of one strategy: what its gate was told, every mask applied."""

    world_id: str
    strategy_id: str
    side: str
    active: bool
    weight: float
    freeze: bool
    drain: bool
    effective_mode: str
    execution_domain: str
    sequence: int
    epoch: tuple[int, ...]
    etag: str = ""
    run_id: str = ""
    ts: datetime | None = None
    phase: str | None = None
    requires_ack: bool = False
    position_policy: str | None = None
    policy_version: int | None = None
    decision_id: str | None = None
    actor: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Activations(Document):
    world_id: str
    items: list[Activation]


@dataclass(frozen=True, kw_only=True)
class StateHash(Document):
    world_id: str
    state_hash: str
    sequence: int


@dataclass(frozen=True, kw_only=True)
class Standing(Document):
    """A lease as it was given or renewed. `sequence`: of the world's newest event. `decision_seconds`: for how long its
    decision may be trusted (None: there is none). `gates`: the envelopes of the strategies held, as they are now."""

    lease_seconds: float
    sequence: int
    epoch: tuple[int, ...]
    decision_seconds: float | None = None
    gates: list[Activation] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Lease(Standing):
    """A lease on gates; the secret is told only here."""

    client_id: str
    lease_secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class GateClient(Document):
    client_id: str
    user: str = ""
    executor: str = ""
    strategies: list[dict[str, Any]] = field(default_factory=list)
    registered_at: datetime | None = None
    lease_until: datetime | None = None
    holds_lease: bool = False
    revoked_at: datetime | None = None
    revoked_reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Ack(Document):
    run_id: str
    client_id: str
    phase: str
    sequence: int


@dataclass(frozen=True, kw_only=True)
class Apply(Document):
    world_id: str
    run_id: str
    phase: str
    epoch: tuple[int, ...]
    plan: dict[str, list[str]] = field(default_factory=dict)
    decision_id: str | None = None
    requested_by: str = ""
    reason: str = ""
    outcome: str = ""
    created_at: datetime | None = None
    deadline: datetime | None = None
    settled_at: datetime | None = None
    freeze_sequence: int | None = None
    unfreeze_sequence: int | None = None
    acks: list[dict[str, Any]] = field(default_factory=list)
    waiting_for: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Edge(Document):
    src_node: str
    dst_node: str
    active: bool
    reason: str = ""
    changed_by: str = ""
    changed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Edges(Document):
    items: list[Edge]


@dataclass(frozen=True, kw_only=True)
class CommandAnswer(Document):
    """Of a manual command: done, applying (`run_id` is the apply's), or queued while the world is paused."""

    world_id: str
    strategy_id: str
    command: str
    status: str
    state: str = ""
    run_id: str | None = None
    warning: str = ""
