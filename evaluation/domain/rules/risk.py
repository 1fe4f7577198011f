"""Can it be traded at its size, beside what is live?"""

from __future__ import annotations

from evaluation.domain.rules.rule import Bound, BoundRule, present
from worlds.domain.policy import Policy, Profile
from worlds.domain.policy.profiles import Risk as RiskSection


class Risk(BoundRule):
    """Can it be traded at its size, beside what is live?"""

    name = "risk"

    def section(self, policy: Policy, profile: Profile) -> RiskSection | None:
        return profile.risk

    def bounds(self, section: RiskSection) -> list[Bound]:
        return present(
            ("adv_utilization_p95_max", "risk.adv_utilization_p95", "<=", section.adv_utilization_p95_max),
            (
                "participation_rate_p95_max",
                "risk.participation_rate_p95",
                "<=",
                section.participation_rate_p95_max,
            ),
            ("incremental_var_99_max", "risk.incremental_var_99", "<=", section.incremental_var_99_max),
            ("incremental_es_99_max", "risk.incremental_es_99", "<=", section.incremental_es_99_max),
            (
                "capacity_estimate_base_min",
                "risk.capacity_estimate_base",
                ">=",
                section.capacity_estimate_base_min,
            ),
        )
