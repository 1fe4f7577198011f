"""Does it earn enough for the pain?"""

from __future__ import annotations

from evaluation.domain.rules.rule import Bound, BoundRule, present
from worlds.domain.policy import Policy, Profile
from worlds.domain.policy.profiles import Performance as PerformanceSection


class Performance(BoundRule):
    """Does it earn enough for the pain?"""

    name = "performance"

    def section(self, policy: Policy, profile: Profile) -> PerformanceSection | None:
        return profile.performance

    def bounds(self, section: PerformanceSection) -> list[Bound]:
        return present(
            ("sharpe_min", "returns.sharpe", ">=", section.sharpe_min),
            (
                "max_dd_max",
                "returns.max_drawdown",
                ">=",
                None if section.max_dd_max is None else -section.max_dd_max,
            ),
            ("gain_to_pain_min", "returns.gain_to_pain_ratio", ">=", section.gain_to_pain_min),
        )
