"""Does it survive the scenarios of the risk hub?"""

from __future__ import annotations

from evaluation.domain.rules.rule import Bound, BoundRule, present
from worlds.domain.policy import Policy, Profile
from worlds.domain.policy.watching import Stress as StressSection


class Stress(BoundRule):
    """Does it survive the scenarios of the risk hub?"""

    name = "stress"

    def section(self, policy: Policy, profile: Profile) -> StressSection | None:
        return policy.stress

    def bounds(self, section: StressSection) -> list[Bound]:
        return [
            bound
            for name, scenario in sorted(section.scenarios.items())
            for bound in present(
                (f"{name}.max_drawdown", f"stress.{name}.max_drawdown", ">=", scenario.max_drawdown),
                (f"{name}.es_99", f"stress.{name}.es_99", "<=", scenario.es_99),
                (f"{name}.var_99", f"stress.{name}.var_99", "<=", scenario.var_99),
            )
        ]
