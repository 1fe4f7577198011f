"""Is the record long enough to judge by?"""

from __future__ import annotations

from evaluation.domain.rules.rule import Bound, BoundRule, present
from worlds.domain.policy import Policy, Profile
from worlds.domain.policy.profiles import Sample as SampleSection


class Sample(BoundRule):
    """Is the record long enough to judge by?"""

    name = "sample"

    def section(self, policy: Policy, profile: Profile) -> SampleSection | None:
        return profile.sample

    def bounds(self, section: SampleSection) -> list[Bound]:
        return present(
            ("min_effective_years", "sample.effective_history_years", ">=", section.min_effective_years),
            ("min_trades_total", "sample.n_trades_total", ">=", section.min_trades_total),
            ("min_sample_days", "sample.sample_days", ">=", section.min_sample_days),
        )
