"""Shapes of the evaluation API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, model_validator

from qmtl_site.http.identifiers import RunIdentifier
from worlds.domain.series import FiniteNumber, SeriesInput, moment

Text = Annotated[str, Strict(), Field(max_length=256)]
Count = Annotated[int, Strict(), Field(ge=0, le=10**12)]
Stage = Literal["backtest", "paper", "live"]
Status = Literal[
    "submitted", "backtest_running", "evaluating", "evaluated", "activated", "rejected", "expired"
]
NotNegative = Annotated[FiniteNumber, Field(ge=0)]


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReturnsInput(SeriesInput):
    """Simple net returns per period, oldest first."""

    source: Literal["auto_returns", "strategy_explicit", "live_realized"] | None = None


class EquityInput(SeriesInput):
    """Account equity. With `starting_capital` each value gives a return, without it all but the first."""

    starting_capital: Annotated[FiniteNumber, Field(gt=0)] | None = None
    reference_currency: Annotated[str, Strict(), Field(pattern=r"^[A-Z0-9]{2,12}$")] | None = None


class PnlInput(SeriesInput):
    """Profit and loss per period, in currency."""

    starting_capital: Annotated[FiniteNumber, Field(gt=0)]
    reference_currency: Annotated[str, Strict(), Field(pattern=r"^[A-Z0-9]{2,12}$")] | None = None


class TradesInput(Shape):
    count: Count
    turnover: NotNegative | None = None


class RiskInput(Shape):
    adv_utilization_p95: NotNegative | None = None
    participation_rate_p95: NotNegative | None = None
    turnover_proxy: NotNegative | None = None
    factor_exposures: dict[str, FiniteNumber] | None = Field(default=None, max_length=500)
    capacity_estimate_base: NotNegative | None = None
    exposure_bounds_ok: Annotated[bool, Strict()] | None = None
    concentration_warnings: list[Text] | None = Field(default=None, max_length=500)


class MetaInput(Shape):
    auto_returns: Annotated[bool, Strict()] | None = None
    pnl_source: Text | None = None
    tags: list[Text] = Field(default_factory=list, max_length=50)
    search_intensity: Annotated[int, Strict(), Field(ge=0, le=10**9)] | None = None
    strategy_complexity: NotNegative | None = None
    dataset_fingerprint: Text | None = None
    code_hash: Annotated[str, Strict(), Field(max_length=128)] | None = None
    extra_metrics: dict[str, FiniteNumber] = Field(default_factory=dict, max_length=500)


def in_utc(text: str) -> str:
    return moment(text, ()).isoformat().replace("+00:00", "Z")


class ErrorInput(Shape):
    """What failed on the strategy's side before there was a record. The run is judged, and fails.

    kind: a node's function, the strategy's other code (its constructor, `setup`), or the data that it was given. at: the
    time of the bar. The traceback has the author's own lines, and no values of variables.
    """

    kind: Literal["node", "strategy", "data"]
    node: Annotated[str, Strict(), Field(min_length=1, max_length=256)] | None = None
    at: Annotated[str, Strict(), AfterValidator(in_utc)] | None = Field(default=None, description="RFC 3339.")
    message: Annotated[str, Strict(), Field(max_length=2_000, pattern=r"\S")]
    traceback: Annotated[str, Strict(), Field(max_length=20_000)] = ""


class Results(Shape):
    """What a strategy's side produced: one series (returns, equity or pnl), or finished metrics, or both.

    Or, in place of all of them, the `error` that it ended with.
    """

    returns: ReturnsInput | None = None
    equity: EquityInput | None = None
    pnl: PnlInput | None = None
    trades: TradesInput | None = None
    metrics: dict[str, Annotated[dict[str, FiniteNumber], Field(max_length=500)]] | None = Field(
        default=None, max_length=50
    )
    risk: RiskInput | None = None
    benchmark_returns: SeriesInput | None = None
    meta: MetaInput = Field(default_factory=MetaInput)
    error: ErrorInput | None = None

    @model_validator(mode="after")
    def one_record(self) -> Results:
        given = [name for name in ("returns", "equity", "pnl") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give one of returns, equity and pnl, not {' and '.join(given)}")
        if self.error is None and not given and not any((self.metrics or {}).values()):
            raise ValueError("give returns, equity, pnl or metrics, or the error that there was")
        return self


class RunCreate(Shape):
    run_id: RunIdentifier | None = None
    stage: Stage = "backtest"
    model_card_version: Annotated[str, Strict(), Field(max_length=128)] | None = None
    results: Results | None = None


class RunPatch(Shape):
    status: Literal["backtest_running"]


class RunLinks(BaseModel):
    self: str
    metrics: str | None
    snapshot: str | None
    history: str


class Violation(BaseModel):
    rule: str
    status: str
    severity: str
    owner: str
    reason_code: str
    reason: str
    metric: str | None
    value: float | None
    bound: float | None
    margin: float | None


class Summary(BaseModel):
    status: Literal["pass", "warn", "fail", "inconclusive"]
    recommended_stage: Literal["backtest_only", "paper_only", "paper_ok_live_candidate"]
    violations: list[Violation]


class RunAccepted(BaseModel):
    run_id: str
    status: Status
    links: RunLinks


class RunDocument(BaseModel):
    world_id: str
    strategy_id: str
    run_id: str
    stage: Stage
    status: Status
    status_reason: str
    phase: Literal["backtest", "evaluate"] | None
    created_at: datetime
    updated_at: datetime
    evaluated_at: datetime | None
    effective_mode: str
    activation_state: Literal["pending", "active", "rejected", "expired"]
    summary: Summary | None
    links: RunLinks


class RunPage(BaseModel):
    items: list[RunDocument]
    next_cursor: str | None


class MetricsDocument(BaseModel):
    """The metric contract of requirement 01; figures that are not known are null, with the reason."""

    world_id: str
    strategy_id: str
    run_id: str
    status: Literal["evaluated"]
    evaluation: dict[str, Any]
    validation: dict[str, Any]
    placement: dict[str, Any] | None = None
    summary: Summary


class SnapshotDocument(BaseModel):
    snapshot_id: str
    world_id: str
    strategy_id: str
    run_id: str
    created_at: datetime
    metrics: MetricsDocument
    series_heads: dict[str, Any]
    meta: dict[str, Any]
    storage_refs: dict[str, Any]


class SnapshotSummary(BaseModel):
    snapshot_id: str
    strategy_id: str
    run_id: str
    created_at: datetime
    sha256: str
    link: str


class SnapshotPage(BaseModel):
    items: list[SnapshotSummary]
    next_cursor: str | None


class Revision(BaseModel):
    revision: int
    kind: str
    author: str
    created_at: datetime
    document: dict[str, Any]


class History(BaseModel):
    run_id: str
    items: list[Revision]


class Describe(BaseModel):
    world: dict[str, Any]
    active_policy: dict[str, Any] | None
    bindings_by_state: dict[str, int]
    runs_by_status: dict[str, int]
    last_evaluation: datetime | None
    next_evaluation: datetime | None
