"""Is the family that it was picked from any good, or did it win by being one of many?"""

from __future__ import annotations

from typing import ClassVar

from evaluation.domain.rules.rule import Bound, BoundRule, present
from worlds.domain.policy import Policy, Profile
from worlds.domain.policy.watching import Cohort as CohortSection


class Cohort(BoundRule):
    """Is the family that it was picked from any good, or did it win by being one of many?"""

    name = "cohort"
    alone: ClassVar = False

    def section(self, policy: Policy, profile: Profile) -> CohortSection | None:
        return policy.cohort

    def bounds(self, section: CohortSection) -> list[Bound]:
        return present(
            ("sharpe_median_min", "cohort.sharpe_median", ">=", section.sharpe_median_min),
            ("dsr_median_min", "cohort.dsr_median", ">=", section.dsr_median_min),
            ("pbo_max", "robustness.pbo", "<=", section.pbo_max),
        )
