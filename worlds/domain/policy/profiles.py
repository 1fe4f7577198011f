"""Validation profiles: what the record of a run must show in a stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from pydantic import model_serializer

from worlds.domain.policy.sections import (
    Count,
    Identifier,
    NotNegative,
    Number,
    Owner,
    RuleSection,
    Section,
    Severity,
    Share,
)

Stage: TypeAlias = Literal["backtest", "paper", "live"]

STAGE_ALIASES: Final[dict[Stage, str]] = {
    "backtest": "backtest_only",
    "paper": "paper_only",
    "live": "paper_ok_live_candidate",
}


class Sample(RuleSection):
    """Is the record long enough to judge by? Soft, quant."""

    severity: Severity = "soft"
    owner: Owner = "quant"
    min_effective_years: NotNegative | None = 2.0
    """Least `effective_history_years`."""
    min_trades_total: Count | None = 50
    """Least `n_trades_total`."""
    min_sample_days: Count | None = None
    """Least `sample_days`."""


class Performance(RuleSection):
    """Does it earn enough for the pain? Blocking, quant."""

    severity: Severity = "blocking"
    owner: Owner = "quant"
    sharpe_min: Number | None = 0.5
    """Least `sharpe`."""
    max_dd_max: Share | None = 0.25
    """Largest size of `max_drawdown`: 0.25 means max_drawdown >= -0.25."""
    gain_to_pain_min: Number | None = 1.0
    """Least `gain_to_pain_ratio`."""


class Robustness(RuleSection):
    """Would it have looked good by luck? Soft, quant."""

    severity: Severity = "soft"
    owner: Owner = "quant"
    dsr_min: Share | None = 0.15
    """Least `deflated_sharpe_ratio`, a probability."""
    psr_min: Share | None = None
    """Least `probabilistic_sharpe_ratio`, a probability."""
    cv_sharpe_gap_max: NotNegative | None = None
    """Largest `cv_sharpe_gap`."""
    pbo_max: Share | None = None
    """Largest `pbo`, a probability."""


class Risk(RuleSection):
    """Can it be traded at its size? Blocking, risk."""

    severity: Severity = "blocking"
    owner: Owner = "risk"
    adv_utilization_p95_max: NotNegative | None = None
    """Largest `adv_utilization_p95`."""
    participation_rate_p95_max: NotNegative | None = None
    """Largest `participation_rate_p95`."""
    incremental_var_99_max: Number | None = None
    """Largest `incremental_var_99`, at the proposed weight; negative demands that it diversifies."""
    incremental_es_99_max: Number | None = None
    """Largest `incremental_es_99`, likewise."""
    capacity_estimate_base_min: NotNegative | None = None
    """Least `capacity_estimate_base`."""


class ProfileSections(Section):
    """One profile; an absent section is off."""

    sample: Sample | None = None
    performance: Performance | None = None
    robustness: Robustness | None = None
    risk: Risk | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile with its name, as `Policy.profile_for` gives it."""

    name: str
    sample: Sample | None
    performance: Performance | None
    robustness: Robustness | None
    risk: Risk | None


class DefaultProfiles(Section):
    """Which profile judges a run of a stage. Each stage may go by the name of the recommendation instead."""

    backtest: Identifier | None = "backtest"
    paper: Identifier | None = "paper"
    live: Identifier | None = "live"
    backtest_only: Identifier | None = None
    """Another spelling of `backtest`."""
    paper_only: Identifier | None = None
    """Another spelling of `paper`."""
    paper_ok_live_candidate: Identifier | None = None
    """Another spelling of `live`."""

    def name_for(self, stage: Stage) -> str | None:
        """The profile's name, whichever spelling of the stage the document uses."""
        return getattr(self, self.spelling(stage))  # type: ignore[no-any-return]

    def spelling(self, stage: Stage) -> str:
        """The key of the document that names the profile of `stage`."""
        alias = STAGE_ALIASES[stage]
        if alias in self.model_fields_set and stage not in self.model_fields_set:
            return alias
        return stage

    @model_serializer
    def _canonical(self) -> dict[str, Any]:
        return {stage: self.name_for(stage) for stage in STAGE_ALIASES}
