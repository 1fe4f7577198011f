"""Shapes of the reports."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from evaluation.schemas.runs import Revision, Stage, Status, Violation

Standing = Literal["risk_cut", "breached", "absent", "stale", "insufficient", "unbounded", "ok"]


# --- of a run -----------------------------------------------------------------------------------------------
class ReportedRun(BaseModel):
    stage: Stage
    status: Status
    status_reason: str
    created_at: datetime
    received_at: datetime | None
    evaluated_at: datetime
    submitted_by: str
    family: str
    strategy_version: int
    code_hash: str
    model_card_version: str
    dataset_fingerprint: str | None


class ReportedStrategy(BaseModel):
    """As it is registered now."""

    name: str
    owner: str
    version: int
    side: str
    model_card: dict[str, Any]


class ReportedVerdict(BaseModel):
    status: Literal["pass", "warn", "fail", "inconclusive"]
    gating: Literal["valid", "invalid"]
    recommended_stage: str
    headline: str
    rules: int
    violations: list[Violation]


class ReportedPolicy(BaseModel):
    """Of the judgement; null: the world had no active policy."""

    version: int | None
    profile: str | None
    ruleset_hash: str | None
    checksum: str | None = Field(description="sha256 of the version's canonical text.")
    state: str | None = Field(description="Of the version now.")


class ReportedCheck(BaseModel):
    metric: str | None = Field(description="Dotted name, or the text of a leaf of the gates.")
    op: str | None
    value: float | None
    bound: float | None
    margin: float | None = Field(description="Below 0: missed by that much.")
    status: Literal["pass", "fail", "missing"]
    reason: str


class ReportedRule(BaseModel):
    rule: str
    status: Literal["pass", "warn", "fail", "inconclusive"]
    severity: str
    owner: str
    mode: str
    reason_code: str
    reason: str
    tags: list[str]
    metric: str | None
    value: float | None
    bound: float | None
    margin: float | None
    checks: list[ReportedCheck]


class Limit(BaseModel):
    """Where the evidence ends: a metric that is missing, data that nobody named, a rule in shadow."""

    kind: str
    subject: str | None
    words: str


class ValidationReport(BaseModel):
    report: Literal["validation"]
    world_id: str
    strategy_id: str
    run_id: str
    run: ReportedRun
    strategy: ReportedStrategy
    verdict: ReportedVerdict
    error: dict[str, Any] | None = Field(description="What the strategy's own code ended with.")
    policy: ReportedPolicy
    rules: list[ReportedRule]
    metrics: dict[str, dict[str, Any]]
    diagnostics: dict[str, Any]
    placement: dict[str, Any] | None
    hysteresis: dict[str, Any]
    revisions: list[Revision]
    overrides: list[Revision]
    evidence: dict[str, Any]
    limits: list[Limit]
    links: dict[str, str | None]


# --- of live strategies -------------------------------------------------------------------------------------
class LiveSummary(BaseModel):
    status: Standing | Literal["empty"] = Field(description="The worst of the bindings.")
    headline: str
    live: int
    by_status: dict[str, int]
    breaches: int
    demotion_candidates: int
    sharpe_trends: dict[str, int]


class LiveBreach(BaseModel):
    strategy_id: str
    kind: Literal["risk_cut", "bound"]
    window: str | None
    metric: str
    key: str
    op: str
    value: float
    bound: float
    margin: float
    severity: str
    mode: str
    reason: str


class DemotionCandidate(BaseModel):
    strategy_id: str
    urgency: Literal["at_once", "counts", "review"]
    reasons: list[str]
    consecutive_failures: int
    demote_after: int | str | None


class LiveWindow(BaseModel):
    """Realised figures over the last days; null where unknown, with the reason in `missing`."""

    start: datetime | None = Field(alias="from")
    to: datetime | None
    points: int
    expected_points: int
    is_covered: bool
    shortfall: str | None
    sharpe: float | None
    max_drawdown: float | None
    volatility: float | None
    es_p05: float | None
    decay: float | None = Field(description="Live Sharpe / backtest Sharpe.")
    missing: dict[str, str]


class LiveTrend(BaseModel):
    """The last 30 days against the last 90; a change within one standard error is steady."""

    recent: float | None
    longer: float | None
    change: float | None
    standard_error: float | None
    direction: Literal["falling", "steady", "rising", "unknown"]


class LiveStrategy(BaseModel):
    strategy_id: str
    owner: str
    live_since: datetime
    status: Standing
    problems: list[str]
    record: dict[str, Any] | None = Field(description="Null: it has reported nothing since it went live.")
    backtest: dict[str, Any]
    newest_run: dict[str, Any] | None
    windows: dict[str, LiveWindow]
    trends: dict[str, LiveTrend]
    rule: dict[str, Any] | None
    checks: list[dict[str, Any]]
    risk_cut: dict[str, Any] | None
    consecutive_failures: int
    curve: list[float] = Field(description="What became of one unit in the last 90 days, evenly sampled.")


class LiveReport(BaseModel):
    report: Literal["live_monitoring"]
    world_id: str
    as_of: datetime
    world: dict[str, Any]
    policy: dict[str, Any] | None = Field(description="Null: no active policy, nothing is bounded.")
    summary: LiveSummary
    breaches: list[LiveBreach]
    demotion_candidates: list[DemotionCandidate]
    bindings: list[LiveStrategy] = Field(description="The worst first.")
