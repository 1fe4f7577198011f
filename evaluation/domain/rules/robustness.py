"""Would it have looked good by luck alone?"""

from __future__ import annotations

from evaluation.domain.rules.rule import Case, OnMissing, RuleResult, judge_bounds, present
from worlds.domain.policy import Policy, Profile


class Robustness:
    """Would it have looked good by luck alone?"""

    name = "robustness"

    def judge(
        self, case: Case, *, policy: Policy, profile: Profile, on_missing: OnMissing
    ) -> RuleResult | None:
        section = profile.robustness
        if section is None:
            return None
        bounds = present(
            ("dsr_min", "robustness.deflated_sharpe_ratio", ">=", section.dsr_min),
            ("psr_min", "robustness.probabilistic_sharpe_ratio", ">=", section.psr_min),
            ("cv_sharpe_gap_max", "robustness.cv_sharpe_gap", "<=", section.cv_sharpe_gap_max),
            ("pbo_max", "robustness.pbo", "<=", section.pbo_max),
        )
        return judge_bounds(self.name, bounds, case, section=section, on_missing=on_missing)
