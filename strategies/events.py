"""What happened to a strategy or its binding."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from qmtl_site.outbox.events import Event


@dataclass(frozen=True, kw_only=True)
class StrategyRegistered(Event):
    type: ClassVar[str] = "strategy.registered"
    strategy_id: str
    version: int
    owner: str

    @property
    def subject(self) -> str:
        return self.strategy_id


@dataclass(frozen=True, kw_only=True)
class StrategyUpdated(Event):
    type: ClassVar[str] = "strategy.updated"
    strategy_id: str
    version: int
    fields: list[str]

    @property
    def subject(self) -> str:
        return self.strategy_id


@dataclass(frozen=True, kw_only=True)
class BindingStateChanged(Event):
    type: ClassVar[str] = "binding.state_changed"
    world_id: str
    strategy_id: str
    before: str | None
    after: str
    reason: str

    @property
    def subject(self) -> str:
        return self.strategy_id


@dataclass(frozen=True, kw_only=True)
class ActivationUpdated(Event):
    """A gate was told something: its data is the activation envelope, and how positions are treated."""

    type: ClassVar[str] = "activation.updated"
    world_id: str
    strategy_id: str
    side: str
    active: bool
    weight: float
    freeze: bool
    drain: bool
    effective_mode: str
    execution_domain: str
    run_id: str
    ts: datetime
    phase: str | None
    requires_ack: bool
    sequence: int
    epoch: list[int]
    etag: str
    position_policy: str | None = None
    reason: str = ""

    @property
    def subject(self) -> str:
        return self.strategy_id


@dataclass(frozen=True, kw_only=True)
class ApplyPhaseChanged(Event):
    type: ClassVar[str] = "apply.phase_changed"
    world_id: str
    run_id: str
    before: str | None
    after: str
    epoch: list[int]
    decision_id: str
    activate: list[str]
    deactivate: list[str]
    outcome: str = ""

    @property
    def subject(self) -> str:
        return self.run_id


@dataclass(frozen=True, kw_only=True)
class GateEvent(Event):
    type: ClassVar[str] = ""
    world_id: str
    client_id: str
    strategies: list[str]
    reason: str = ""

    @property
    def subject(self) -> str:
        return self.client_id


@dataclass(frozen=True, kw_only=True)
class GateRegistered(GateEvent):
    type: ClassVar[str] = "gate.registered"


@dataclass(frozen=True, kw_only=True)
class GateRevoked(GateEvent):
    type: ClassVar[str] = "gate.revoked"


@dataclass(frozen=True, kw_only=True)
class EdgeChanged(Event):
    """An edge between two nodes was turned on or off."""

    type: ClassVar[str] = "edge.overridden"
    world_id: str
    src_node: str
    dst_node: str
    active: bool
    reason: str
