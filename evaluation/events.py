"""What happened to a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qmtl_site.outbox.events import Event


@dataclass(frozen=True, kw_only=True)
class RunEvent(Event):
    type: ClassVar[str] = ""
    world_id: str
    strategy_id: str
    run_id: str
    stage: str
    status: str

    @property
    def subject(self) -> str:
        return f"{self.strategy_id}/{self.run_id}"


@dataclass(frozen=True, kw_only=True)
class RunCreated(RunEvent):
    type: ClassVar[str] = "evaluation_run.created"


@dataclass(frozen=True, kw_only=True)
class RunUpdated(RunEvent):
    type: ClassVar[str] = "evaluation_run.updated"
    before: str
    reason: str = ""
    verdict: str | None = None
    recommended_stage: str | None = None


@dataclass(frozen=True, kw_only=True)
class DecisionMade(Event):
    """A world was evaluated; the plan is what an apply would do."""

    type: ClassVar[str] = "decision.made"
    world_id: str
    decision_id: str
    number: int
    policy_version: int
    promote: list[str]
    demote: list[str]
    reopen: list[str]
    counted: int

    @property
    def subject(self) -> str:
        return self.decision_id


@dataclass(frozen=True, kw_only=True)
class EvaluationLate(Event):
    """A tick came long after it was due."""

    type: ClassVar[str] = "evaluation.late"
    world_id: str
    due_at: str
    seconds_late: float


@dataclass(frozen=True, kw_only=True)
class PromotionEvent(Event):
    type: ClassVar[str] = ""
    world_id: str
    strategy_id: str
    promotion_id: int
    decision_id: str
    before: str | None
    after: str
    reason: str = ""

    @property
    def subject(self) -> str:
        return self.strategy_id


@dataclass(frozen=True, kw_only=True)
class PromotionProposed(PromotionEvent):
    type: ClassVar[str] = "promotion.proposed"


@dataclass(frozen=True, kw_only=True)
class PromotionApproved(PromotionEvent):
    type: ClassVar[str] = "promotion.approved"


@dataclass(frozen=True, kw_only=True)
class PromotionRejected(PromotionEvent):
    type: ClassVar[str] = "promotion.rejected"


@dataclass(frozen=True, kw_only=True)
class PromotionLapsed(PromotionEvent):
    """The newest decision does not ask for it any more."""

    type: ClassVar[str] = "promotion.lapsed"


@dataclass(frozen=True, kw_only=True)
class PromotionApplied(PromotionEvent):
    """The strategy went live."""

    type: ClassVar[str] = "promotion.applied"


PROMOTION_EVENTS: dict[str, type[PromotionEvent]] = {
    "pending": PromotionProposed,
    "approved": PromotionApproved,
    "rejected": PromotionRejected,
    "lapsed": PromotionLapsed,
    "applied": PromotionApplied,
}


@dataclass(frozen=True, kw_only=True)
class EvaluationRequested(Event):
    """Somebody asked for an evaluation and does not wait for it."""

    type: ClassVar[str] = "evaluation.requested"
    world_id: str
    by: str
