"""The policy document: every key, with its default."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from worlds.domain.policy.durations import AnyDuration, Duration, SomeDuration
from worlds.domain.policy.governing import GatingPolicy, Governance, PositionPolicy, Rebalancing
from worlds.domain.policy.profiles import DefaultProfiles, Profile, ProfileSections, Stage
from worlds.domain.policy.running import DataCurrency, DecisionAge, RiskProfile, Schedule, Validation
from worlds.domain.policy.sections import Exactly, Identifier, Section
from worlds.domain.policy.selection import Selection
from worlds.domain.policy.watching import (
    Benchmark,
    Cohort,
    LiveMonitoring,
    PaperShadowConsistency,
    Portfolio,
    Stress,
)


class Policy(Section):
    """The rules of a world: what is judged, when, by which bounds, and who decides."""

    version: Annotated[Literal[1], Exactly] = 1
    """Of the format of the document."""
    risk_profile: RiskProfile = RiskProfile()
    schedule: Schedule = Schedule()
    evaluation_window: SomeDuration | None = Duration.parse("90d")
    """The part of the record that a paper or live run covers; null: all of the stay."""
    min_evaluation_period: AnyDuration = Duration.parse("0s")
    """What the paper record of the stay in dry run must span before a promotion."""
    data_currency: DataCurrency = DataCurrency()
    decision: DecisionAge = DecisionAge()
    validation: Validation = Validation()
    validation_profiles: dict[Identifier, ProfileSections] = Field(default_factory=dict)
    """Profiles by name."""
    default_profile_by_stage: DefaultProfiles = DefaultProfiles()
    selection: Selection | None = None
    cohort: Cohort | None = None
    portfolio: Portfolio | None = None
    benchmark: Benchmark | None = None
    stress: Stress | None = None
    paper_shadow_consistency: PaperShadowConsistency | None = None
    live_monitoring: LiveMonitoring | None = None
    governance: Governance = Governance()
    position_policy: PositionPolicy = PositionPolicy()
    rebalancing: Rebalancing = Rebalancing()
    gating_policy: GatingPolicy = GatingPolicy()

    @property
    def is_fail_closed(self) -> bool:
        """High tier and client critical: nothing that could not be judged may pass."""
        return self.risk_profile.tier == "high" and self.risk_profile.client_critical

    @property
    def effective_on_error(self) -> Literal["fail", "warn"]:
        return "fail" if self.is_fail_closed else self.validation.on_error

    @property
    def effective_on_missing_metric(self) -> Literal["fail", "warn", "ignore"]:
        return "fail" if self.is_fail_closed else self.validation.on_missing_metric

    def profile(self, name: str) -> Profile | None:
        """The profile of that name, None where the document has none."""
        sections = self.validation_profiles.get(name)
        if sections is None:
            return None
        return Profile(name, sections.sample, sections.performance, sections.robustness, sections.risk)

    def profile_for(self, stage: Stage) -> Profile | None:
        """The profile that judges a run of `stage`; never another stage's."""
        name = self.default_profile_by_stage.name_for(stage)
        return None if name is None else self.profile(name)
