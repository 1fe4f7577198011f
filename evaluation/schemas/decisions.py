"""Shapes of decisions and promotions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field, Strict

from evaluation.schemas.runs import Shape

Outcome = Literal["promote", "demote", "hold", "reopen"]
PromotionState = Literal["pending", "approved", "rejected", "lapsed"]


def text_of_a_time(value: Any) -> Any:
    """A number would be taken for seconds since 1970, or for milliseconds, by its size."""
    if value is not None and not isinstance(value, str):
        raise ValueError("a time is text, as RFC 3339 writes it")
    return value


class EvaluateRequest(Shape):
    as_of: Annotated[AwareDatetime | None, BeforeValidator(text_of_a_time)] = Field(
        default=None, description="RFC 3339, not in the future; another moment than now implies dry_run."
    )
    dry_run: Annotated[bool, Strict()] = False


class Reason(Shape):
    reason: Annotated[str, Strict(), Field(min_length=3, max_length=500)]


class Plan(BaseModel):
    promote: list[str]
    demote: list[str]
    reopen: list[str]
    hold: list[str]


class DecidedCandidate(BaseModel):
    strategy_id: str
    state: Literal["dry_run", "live"]
    stage: str | None
    run_id: str | None
    eligible: bool
    score: float | None
    rank: int | None
    would_be_rank: int | None
    outcome: Outcome
    counted: bool
    consecutive_passes: int
    consecutive_failures: int
    reasons: list[str]
    trace: list[dict[str, Any]]
    margins: list[dict[str, Any]]


class DecisionDocument(BaseModel):
    """Null ids: the world has no policy, so that there was nothing to decide by; `reason` says so."""

    decision_id: str | None
    world_id: str
    policy_version: int | None
    ruleset_hash: str | None
    as_of: datetime
    slot: datetime | None
    inputs_hash: str | None
    dry_run: bool
    reason: str | None = None
    plan: Plan
    active_set: list[str]
    weights: dict[str, float]
    weighting: dict[str, str | None]
    funnel: dict[str, int]
    shadow: dict[str, list[str]]
    candidates: list[DecidedCandidate]


class DecisionSummary(BaseModel):
    decision_id: str
    number: int
    policy_version: int
    as_of: datetime
    slot: datetime | None
    promoted: int
    demoted: int
    made_by: str
    sha256: str
    link: str


class DecisionPage(BaseModel):
    items: list[DecisionSummary]
    next_cursor: str | None


class EvaluationStarted(BaseModel):
    world_id: str
    status: Literal["requested"]
    links: dict[str, str]


class Replay(BaseModel):
    decision_id: str
    identical: bool
    reason: Literal["version", "inputs", "document"] | None
    detail: str
    sha256: str
    replayed_sha256: str | None
    versions: dict[str, dict[str, str]]


class PromotionDocument(BaseModel):
    promotion_id: int
    world_id: str
    strategy_id: str
    decision_id: str
    state: PromotionState
    decided_by: str | None
    reason: str
    created_at: datetime
    updated_at: datetime


class PromotionPage(BaseModel):
    items: list[PromotionDocument]
    next_cursor: str | None
