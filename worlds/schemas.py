"""Shapes of the world's API: what is taken and what is answered."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict

from qmtl_site.http.identifiers import Identifier
from worlds.domain.broker import BrokerFields, PaperTerms
from worlds.domain.presets import DataPreset
from worlds.domain.series import SeriesInput

Text = Annotated[str, Strict()]
Flag = Annotated[bool, Strict()]
Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Label = Annotated[str, Strict(), Field(min_length=1, max_length=64)]
Reason = Annotated[str, Strict(), Field(min_length=3, max_length=2000, description="Why; kept in the audit.")]
Money = Annotated[
    Decimal, Field(gt=0, lt=Decimal("1e15"), max_digits=24, decimal_places=8, allow_inf_nan=False)
]


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WorldFields(Shape):
    """What may be set at creation and changed later."""

    name: Annotated[str, Strict(), Field(min_length=1, max_length=200)] | None = None
    description: Annotated[str, Strict(), Field(max_length=20_000)] | None = None
    owner: Annotated[str, Strict(), Field(max_length=150, description="User name; default: you.")] | None = (
        None
    )
    labels: list[Label] | None = Field(default=None, max_length=50)
    allow_live: Flag | None = None
    periods_per_year: Annotated[Number, Field(gt=0, le=40_000_000)] | None = None
    risk_free_rate: Annotated[Number, Field(gt=-1, lt=1)] | None = None
    reference_capital: Money | None = None
    reference_currency: Annotated[str, Strict(), Field(pattern=r"^[A-Z0-9]{2,12}$")] | None = None
    benchmark: SeriesInput | None = None
    data_presets: list[DataPreset] | None = Field(default=None, max_length=50)

    broker: BrokerFields | None = None


class WorldCreate(WorldFields):
    id: Identifier


class WorldPatch(WorldFields):
    pass


class StateChange(Shape):
    state: Literal[
        "ACTIVE", "EVALUATION_ONLY", "PAUSED", "RETIRED", "Active", "Paused", "EvalOnly", "Retired"
    ]
    reason: Reason


class BreakerChange(Shape):
    engaged: Flag
    reason: Reason


class ActivatePolicy(Shape):
    reason: Annotated[str, Strict(), Field(max_length=2000)] = ""


class BrokerCredentials(BaseModel):
    """What is told of credentials: never themselves."""

    names: list[str]
    fingerprint: str
    set_by: str
    set_at: datetime


class BrokerDocument(BaseModel):
    world_id: str
    kind: Literal["paper", "ccxt"]
    exchange: str | None
    sandbox: bool
    options: dict[str, Any]
    paper: PaperTerms
    credentials: BrokerCredentials | None
    updated_at: datetime | None = Field(description="null: never set; a world trades on paper then.")


class WorldDocument(BaseModel):
    id: str
    name: str
    description: str
    owner: str
    labels: list[str]
    state: Literal["ACTIVE", "EVALUATION_ONLY", "PAUSED", "RETIRED"]
    state_since: datetime
    allow_live: bool
    circuit_breaker: bool
    periods_per_year: float
    risk_free_rate: float
    reference_capital: float
    reference_currency: str
    benchmark: dict[str, Any] | None = Field(description="points, start, end of the benchmark series")
    data_presets: list[DataPreset]
    broker: BrokerDocument = Field(description="Where orders go; without secrets.")
    active_policy_version: int | None
    figures_frozen_at: datetime | None
    last_evaluation_at: datetime | None
    next_evaluation_at: datetime | None = Field(
        description="Due from then on; null: paused, retired or without a policy."
    )
    created_at: datetime
    updated_at: datetime


class WorldPage(BaseModel):
    items: list[WorldDocument]
    next_cursor: str | None


class PolicySummary(BaseModel):
    world_id: str
    version: int
    state: Literal["draft", "active", "deprecated"]
    checksum: str
    ruleset_hash: str
    created_at: datetime
    created_by: str | None
    activated_at: datetime | None


class PolicyDetail(PolicySummary):
    media: Literal["yaml", "json"]
    source: str
    document: dict[str, Any] = Field(description="The policy with every default written out.")


class PolicyPage(BaseModel):
    items: list[PolicySummary]
    next_cursor: str | None


class AuditDocument(BaseModel):
    sequence: int
    at: datetime
    actor: str
    actor_label: str
    action: str
    object_type: str
    object_id: str
    details: dict[str, Any]
    request_id: str
    previous_hash: str
    hash: str


class AuditPage(BaseModel):
    items: list[AuditDocument]
    next_cursor: str | None


class EventPage(BaseModel):
    events: list[dict[str, Any]] = Field(description="CloudEvents 1.0, oldest first.")
    next: int = Field(description="Ask with `after` = this for what comes later.")
