"""Shapes of gates, their holders, applies and edges."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, Strict, model_validator

from qmtl_site.http.identifiers import Identifier

Side = Literal["long", "short", "both"]
Phase = Literal["requested", "freeze", "switch", "unfreeze", "completed", "rolled_back"]
Reason = Annotated[str, Strict(), Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]
Weight = Annotated[float, Strict(), Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Number = Annotated[int, Strict(), Field(ge=0, lt=2**63)]
Secret = Annotated[str, Strict(), Field(min_length=1, max_length=200)]
Text = Annotated[str, Strict(), Field(max_length=200, pattern=r"^[^\x00]*$")]
Node = Annotated[str, Strict(), Field(min_length=1, max_length=256, pattern=r"^[^\x00]*$")]


class ActivationDocument(BaseModel):
    world_id: str
    strategy_id: str
    side: Side
    active: bool = Field(description="Whether the gate is told to be open, every mask applied.")
    weight: float
    freeze: bool
    drain: bool
    effective_mode: str
    execution_domain: str
    run_id: str = Field(description="Of the apply that told it last.")
    ts: datetime | None
    phase: Phase | None = Field(description="Of the apply in flight that concerns this gate.")
    requires_ack: bool
    sequence: int
    epoch: tuple[int, int]
    etag: str
    policy_version: int | None = Field(default=None, description="With `at`: under which policy.")
    decision_id: str | None = Field(default=None, description="With `at`: by which decision.")
    actor: str | None = Field(default=None, description="With `at`: by whose act.")
    reason: str | None = Field(default=None, description="With `at`: why.")


class ActivationList(BaseModel):
    world_id: str
    items: list[ActivationDocument]


class ActivationAnswer(RootModel[ActivationDocument | ActivationList]):
    """One gate where one was asked for, else all of the world."""


class StateHash(BaseModel):
    world_id: str
    state_hash: str
    sequence: int = Field(description="Of the newest event about a gate.")


class GateChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    strategy_id: Identifier
    side: Side | None = None
    active: Annotated[bool, Strict()] | None = None
    weight: Weight | None = None
    reason: Reason

    @model_validator(mode="after")
    def changes_something(self) -> GateChange:
        if self.active is None and self.weight is None:
            raise ValueError("say active, weight, or both")
        return self


class EdgeDocument(BaseModel):
    src_node: str
    dst_node: str
    active: bool
    reason: str
    changed_by: str
    changed_at: datetime


class EdgeList(BaseModel):
    items: list[EdgeDocument]


class EdgeChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    src_node: Node
    dst_node: Node
    active: Annotated[bool, Strict()]
    reason: Reason


class HeldStrategy(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: Identifier
    code_hash: Annotated[str, Strict(), Field(max_length=128)] | None = None


class GateRegistration(BaseModel):
    model_config = ConfigDict(extra="forbid")

    client_id: Identifier
    strategies: list[HeldStrategy] = Field(min_length=1, max_length=1000)
    executor: Text | None = None

    @model_validator(mode="after")
    def names_each_once(self) -> GateRegistration:
        names = [each.id for each in self.strategies]
        if len(set(names)) < len(names):
            raise ValueError("a strategy stands there twice")
        return self


class LeaseStanding(BaseModel):
    lease_seconds: float
    sequence: int
    epoch: tuple[int, int]
    decision_seconds: float | None = Field(
        description="For how long the world's decision may be trusted; null where there is none."
    )
    gates: list[ActivationDocument] = Field(
        description="Of the strategies held, as it holds now: no event tells of what comes and goes with time."
    )


class GateLease(LeaseStanding):
    client_id: str
    lease_secret: str = Field(description="Told only here; heartbeats and acknowledgements carry it.")


class HeartbeatBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    lease_secret: Secret
    cross_context_cache_hits: Annotated[int, Strict(), Field(ge=0, le=10**9)] = 0


class HeldDocument(BaseModel):
    id: str
    code_hash: str | None


class GateClientDocument(BaseModel):
    world_id: str
    client_id: str
    user: str
    executor: str
    strategies: list[HeldDocument]
    registered_at: datetime
    lease_until: datetime
    holds_lease: bool
    revoked_at: datetime | None
    revoked_reason: str


class GateClientPage(BaseModel):
    items: list[GateClientDocument]
    next_cursor: str | None


class Cleared(BaseModel):
    world_id: str
    cross_context_cache_hits: int


class PlanNames(BaseModel):
    activate: list[str]
    deactivate: list[str]


class ApplySummary(BaseModel):
    world_id: str
    run_id: str
    phase: Phase
    epoch: tuple[int, int]
    plan: PlanNames
    decision_id: str | None
    policy_version: int | None
    requested_by: str
    reason: str
    outcome: str
    created_at: datetime
    phase_since: datetime
    deadline: datetime | None
    settled_at: datetime | None


class ApplyPage(BaseModel):
    items: list[ApplySummary]
    next_cursor: str | None


class AckItem(BaseModel):
    client_id: str
    phase: Literal["freeze", "unfreeze"]
    sequence: int
    at: datetime


class ApplyDocument(ApplySummary):
    freeze_sequence: int | None
    unfreeze_sequence: int | None
    acks: list[AckItem]
    waiting_for: list[str]


class Acknowledge(BaseModel):
    model_config = ConfigDict(extra="forbid")

    client_id: Identifier
    lease_secret: Secret
    phase: Literal["freeze", "unfreeze"]
    sequence: Number
    epoch: tuple[Number, Number]


class AckDocument(BaseModel):
    run_id: str
    client_id: str
    phase: str
    sequence: int
