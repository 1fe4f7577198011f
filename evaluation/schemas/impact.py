"""Shapes of the policy impact."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, Strict, field_validator

from evaluation.schemas.runs import Shape

SetName = Annotated[str, Strict(), Field(max_length=64)]


class ImpactQuestion(Shape):
    days: Annotated[int, Strict(), Field(ge=1, le=3650)] = Field(
        default=90, description="Runs judged in the last so many days."
    )
    scenarios: Annotated[list[SetName], Field(max_length=10)] | None = Field(
        default=None, description="Shipped sets: good, borderline, bad, known_bad, or all."
    )


class PolicyVersions(BaseModel):
    old: int | None = Field(
        description="The active version; null: none, so that everything was inconclusive."
    )
    new: int


class OldAndNew(BaseModel):
    old: int
    new: int


class Outcome(BaseModel):
    verdict: str
    recommended_stage: str
    reasons: list[str]


class VerdictMove(BaseModel):
    old: str
    new: str
    runs: int


class ChangedRun(BaseModel):
    strategy_id: str
    run_id: str
    stage: str
    old: Outcome
    new: Outcome


class RunImpact(BaseModel):
    runs: int
    impact_ratio: float = Field(description="Share of the runs whose verdict or recommended stage changes.")
    changed: dict[str, int]
    verdicts: dict[str, OldAndNew]
    recommended_stages: dict[str, OldAndNew]
    reasons: dict[str, OldAndNew]
    moves: list[VerdictMove]
    changes: list[ChangedRun] = Field(description="The first 500, those with an impact before the others.")
    changes_omitted: int
    is_cut: bool = Field(description="There were more runs than are judged: only the newest ones were.")


class PlanUnder(BaseModel):
    promote: list[str]
    demote: list[str]
    reopen: list[str]
    hold: list[str]
    selected: list[str]
    live: list[str]
    weights: dict[str, float] | None


class BindingImpact(BaseModel):
    """What the next evaluation that counts would do, with today's evidence."""

    bindings: int
    old: PlanUnder
    new: PlanUnder
    changes: list[dict[str, Any]]
    portfolio_risk: dict[str, Any] = Field(
        description="Annual volatility, VaR and ES at 99 % per period, of either live set over common points."
    )


class ScenarioImpact(BaseModel):
    runs: int
    impact_ratio: float
    sets: dict[str, dict[str, Any]]


class PolicyImpact(BaseModel):
    impact_ratio: float = Field(description="The larger one of runs and scenarios.")
    world_id: str
    as_of: datetime
    days: int
    policy: PolicyVersions
    runs: RunImpact
    bindings: BindingImpact
    scenarios: ScenarioImpact | None


class PolicyText(Shape):
    text: Annotated[str, Strict(), Field(max_length=256 * 1024, description="As it is written.")]
    media: Literal["yaml", "json"] = "yaml"


class ExtraMetrics(BaseModel):
    """Of `evaluation.diagnostics`, what is read beside the figures."""

    extra_metrics: dict[str, float | None] | None = None
    returns_source: Annotated[str, Strict(), Field(max_length=64)] | None = None


class StoredRun(Shape):
    """A judged run as a snapshot or a metrics document tells it."""

    strategy_id: Annotated[str, Strict(), Field(max_length=128)]
    run_id: Annotated[str, Strict(), Field(max_length=128)]
    stage: Literal["backtest", "paper", "live"]
    evaluation: dict[str, Any] = Field(description="The block `evaluation` of its metrics document.")
    is_broken: Annotated[bool, Strict()] = Field(default=False, description="It could not be measured.")

    @field_validator("evaluation")
    @classmethod
    def diagnostics_are_readable(cls, found: dict[str, Any]) -> dict[str, Any]:
        told = found.get("diagnostics")
        if told is None:
            return {name: block for name, block in found.items() if name != "diagnostics"}
        if not isinstance(told, dict):
            raise ValueError("diagnostics must be an object")
        read = ExtraMetrics.model_validate(told)
        known = {name: value for name, value in (read.extra_metrics or {}).items() if value is not None}
        source = {"returns_source": read.returns_source} if read.returns_source else {}
        kept = {name: value for name, value in told.items() if name != "returns_source"}
        return {**found, "diagnostics": {**kept, "extra_metrics": known, **source}}


class CompareQuestion(Shape):
    old: PolicyText
    new: PolicyText
    runs: list[StoredRun] = Field(default_factory=list, max_length=20_000)
    scenarios: Annotated[list[SetName], Field(max_length=10)] | None = Field(
        default=None, description="Shipped sets: good, borderline, bad, known_bad, or all."
    )


class ComparedRuns(BaseModel):
    runs: int
    impact_ratio: float
    changed: dict[str, int]
    verdicts: dict[str, OldAndNew]
    recommended_stages: dict[str, OldAndNew]
    reasons: dict[str, OldAndNew]
    moves: list[VerdictMove]
    changes: list[ChangedRun]
    changes_omitted: int


class PolicyComparison(BaseModel):
    impact_ratio: float = Field(description="The larger one of runs and scenarios.")
    lacks_series: bool = Field(description="A gate asks for what only the returns can tell: it was unknown.")
    runs: ComparedRuns
    scenarios: ScenarioImpact | None
