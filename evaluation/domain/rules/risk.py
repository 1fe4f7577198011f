"""Can it be traded at its size, beside what is live?"""

from __future__ import annotations

from evaluation.domain.rules.rule import Case, OnMissing, RuleResult, judge_bounds, present
from worlds.domain.policy import Policy, Profile


class Risk:
    """Can it be traded at its size, beside what is live?"""

    name = "risk"

    def judge(
        self, case: Case, *, policy: Policy, profile: Profile, on_missing: OnMissing
    ) -> RuleResult | None:
        section = profile.risk
        if section is None:
            return None
        bounds = present(
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
        return judge_bounds(self.name, bounds, case, section=section, on_missing=on_missing)
