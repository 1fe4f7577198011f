"""Is the record long enough to judge by?"""

from __future__ import annotations

from evaluation.domain.rules.rule import Case, OnMissing, RuleResult, judge_bounds, present
from worlds.domain.policy import Policy, Profile


class Sample:
    """Is the record long enough to judge by?"""

    name = "sample"

    def judge(
        self, case: Case, *, policy: Policy, profile: Profile, on_missing: OnMissing
    ) -> RuleResult | None:
        section = profile.sample
        if section is None:
            return None
        bounds = present(
            ("min_effective_years", "sample.effective_history_years", ">=", section.min_effective_years),
            ("min_trades_total", "sample.n_trades_total", ">=", section.min_trades_total),
            ("min_sample_days", "sample.sample_days", ">=", section.min_sample_days),
        )
        return judge_bounds(self.name, bounds, case, section=section, on_missing=on_missing)
