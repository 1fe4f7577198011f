"""Shapes of applies as they are asked for, and of manual commands."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, model_validator

from qmtl_site.http.identifiers import Identifier, RunIdentifier

Reason = Annotated[str, Strict(), Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]


class Activated(BaseModel):
    model_config = ConfigDict(extra="forbid")

    strategy_id: Identifier
    side: Literal["long", "short", "both"] | None = None
    weight: Annotated[float, Strict(), Field(ge=0.0, le=1.0, allow_inf_nan=False)] | None = None


def with_its_name(each: Any) -> Any:
    return {"strategy_id": each} if isinstance(each, str) else each


Wanted = Annotated[Activated, BeforeValidator(with_its_name, json_schema_input_type=Identifier | Activated)]
"""A strategy by its name alone, or with what is wanted of it."""


class PlanBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    activate: list[Wanted] = Field(default_factory=list, max_length=1000)
    deactivate: list[Identifier] = Field(default_factory=list, max_length=1000)


class ApplyRequest(BaseModel):
    """A plan, or the newest decision by its id."""

    model_config = ConfigDict(extra="forbid")

    run_id: RunIdentifier
    plan: PlanBody | None = None
    decision_id: Identifier | None = None
    reason: Reason | None = None

    @model_validator(mode="after")
    def says_what(self) -> ApplyRequest:
        if (self.plan is None) == (self.decision_id is None):
            raise ValueError("send either plan or decision_id")
        return self


class CommandBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    world_id: Identifier
    reason: Reason


class CommandAnswer(BaseModel):
    world_id: str
    strategy_id: str
    command: Literal["activate", "deactivate"]
    status: Literal["done", "applying", "queued"]
    state: str
    run_id: str | None = Field(description="Of the apply that carries it out.")
    warning: str


class DecisionEnvelope(BaseModel):
    world_id: str
    policy_version: int | None
    effective_mode: str
    execution_domain: str
    reason: str
    as_of: datetime | None = Field(description="Of the newest decision.")
    ttl: int = Field(description="Seconds for which it may be cached; it says nothing about its truth.")
    etag: str
