"""Would it have looked good by luck alone?"""

from __future__ import annotations

from evaluation.domain.rules.rule import Bound, BoundRule, present
from worlds.domain.policy import Policy, Profile
from worlds.domain.policy.profiles import Robustness as RobustnessSection


class Robustness(BoundRule):
    """Would it have looked good by luck alone?"""

    name = "robustness"

    def section(self, policy: Policy, profile: Profile) -> RobustnessSection | None:
        return profile.robustness

    def bounds(self, section: RobustnessSection) -> list[Bound]:
        return present(
            ("dsr_min", "robustness.deflated_sharpe_ratio", ">=", section.dsr_min),
            ("psr_min", "robustness.probabilistic_sharpe_ratio", ">=", section.psr_min),
            ("cv_sharpe_gap_max", "robustness.cv_sharpe_gap", "<=", section.cv_sharpe_gap_max),
            ("pbo_max", "robustness.pbo", "<=", section.pbo_max),
        )
