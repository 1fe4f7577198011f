"""Does it earn enough for the pain?"""

from __future__ import annotations

from evaluation.domain.rules.rule import Case, OnMissing, RuleResult, judge_bounds, present
from worlds.domain.policy import Policy, Profile


class Performance:
    """Does it earn enough for the pain?"""

    name = "performance"

    def judge(
        self, case: Case, *, policy: Policy, profile: Profile, on_missing: OnMissing
    ) -> RuleResult | None:
        section = profile.performance
        if section is None:
            return None
        bounds = present(
            ("sharpe_min", "returns.sharpe", ">=", section.sharpe_min),
            (
                "max_dd_max",
                "returns.max_drawdown",
                ">=",
                None if section.max_dd_max is None else -section.max_dd_max,
            ),
            ("gain_to_pain_min", "returns.gain_to_pain_ratio", ">=", section.gain_to_pain_min),
        )
        return judge_bounds(self.name, bounds, case, section=section, on_missing=on_missing)
