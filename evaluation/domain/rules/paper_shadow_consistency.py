"""Does paper trading confirm the backtest?"""

from __future__ import annotations

from typing import ClassVar

from evaluation.domain.rules.rule import Bound, BoundRule, present
from worlds.domain.policy import Policy, Profile
from worlds.domain.policy.watching import PaperShadowConsistency as ConsistencySection


class PaperShadowConsistency(BoundRule):
    """Does paper trading confirm the backtest?"""

    name = "paper_shadow_consistency"
    alone: ClassVar = False

    def section(self, policy: Policy, profile: Profile) -> ConsistencySection | None:
        return policy.paper_shadow_consistency

    def applies(self, stage: str, section: ConsistencySection | None) -> bool:
        return section is not None and stage in section.stages

    def bounds(self, section: ConsistencySection) -> list[Bound]:
        return present(
            ("min_sharpe_ratio", "consistency.sharpe_ratio", ">=", section.min_sharpe_ratio),
            ("max_drawdown_ratio", "consistency.drawdown_ratio", "<=", section.max_drawdown_ratio),
        )
