"""Sections that watch a strategy among others, over time and under stress."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from worlds.domain.policy.sections import (
    Drawdown,
    Exactly,
    Identifier,
    NotNegative,
    Number,
    Owner,
    Positive,
    RuleSection,
    Section,
    Severity,
    Share,
)

ConsistencyStage: TypeAlias = Literal["backtest", "paper", "shadow", "live"]
LiveWindow: TypeAlias = Annotated[Literal[30, 60, 90], Exactly]


class Cohort(RuleSection):
    """The family that the strategy was picked from. Soft, risk."""

    sharpe_median_min: Number | None = None
    """Least median `sharpe` of the cohort."""
    dsr_median_min: Share | None = None
    """Least median `deflated_sharpe_ratio` of the cohort."""
    pbo_max: Share | None = None
    """Largest `pbo` of the cohort."""


class Portfolio(RuleSection):
    """What the strategy adds to the live portfolio. Soft, risk."""

    max_incremental_var_99: Number | None = None
    """Largest `incremental_var_99`."""
    max_incremental_es_99: Number | None = None
    """Largest `incremental_es_99`."""
    min_portfolio_sharpe_uplift: Number | None = None
    """Least gain of the portfolio's Sharpe."""


class Benchmark(RuleSection):
    """Against the world's benchmark. Soft, quant."""

    owner: Owner = "quant"
    min_vs_benchmark_sharpe: Number | None = None
    """Least `sharpe` above that of the benchmark."""


class Scenario(Section):
    """Bounds under one scenario; a null bound is off."""

    max_drawdown: Drawdown | None = None
    """Deepest drawdown allowed, -1..0."""
    es_99: NotNegative | None = None
    """Largest expected shortfall, a loss as a positive fraction."""
    var_99: NotNegative | None = None
    """Largest value at risk, a loss as a positive fraction."""


class Stress(RuleSection):
    """Under the scenarios of the risk hub. Info, ops."""

    severity: Severity = "info"
    owner: Owner = "ops"
    scenarios: dict[Identifier, Scenario] = Field(default_factory=dict)
    """Bounds by the scenario's name."""


class PaperShadowConsistency(RuleSection):
    """Does paper trading confirm the backtest? Soft, ops."""

    owner: Owner = "ops"
    stages: Annotated[tuple[ConsistencyStage, ...], Field(min_length=1, strict=False)] = ("paper", "shadow")
    """The stages whose runs are compared with the backtest."""
    min_sharpe_ratio: NotNegative | None = None
    """Least Sharpe of the stage as a share of the backtest's."""
    max_drawdown_ratio: Positive | None = None
    """Largest drawdown of the stage as a multiple of the backtest's."""


class RiskCut(Section):
    """A breach demotes at once, whatever hysteresis says."""

    max_drawdown_min: Drawdown | None = None
    """Deepest drawdown allowed, -1..0."""


class LiveMonitoring(RuleSection):
    """The realised record of live strategies. Soft, risk."""

    windows: Annotated[tuple[LiveWindow, ...], Field(min_length=1, strict=False)] = (30, 60, 90)
    """Days looked back: 30, 60, 90."""
    sharpe_min: Number | None = None
    """Least live Sharpe in every window."""
    max_drawdown_min: Drawdown | None = None
    """Deepest live drawdown allowed, -1..0."""
    decay_min: Number | None = None
    """Least live Sharpe as a share of the backtest's."""
    risk_cut: RiskCut = RiskCut()
