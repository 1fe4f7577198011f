"""What does it add to the live portfolio?"""

from __future__ import annotations

from typing import ClassVar

from evaluation.domain.rules.rule import Bound, BoundRule, present
from worlds.domain.policy import Policy, Profile
from worlds.domain.policy.watching import Portfolio as PortfolioSection


class Portfolio(BoundRule):
    """What does it add to the live portfolio?"""

    name = "portfolio"
    alone: ClassVar = False

    def section(self, policy: Policy, profile: Profile) -> PortfolioSection | None:
        return policy.portfolio

    def bounds(self, section: PortfolioSection) -> list[Bound]:
        return present(
            ("max_incremental_var_99", "risk.incremental_var_99", "<=", section.max_incremental_var_99),
            ("max_incremental_es_99", "risk.incremental_es_99", "<=", section.max_incremental_es_99),
            (
                "min_portfolio_sharpe_uplift",
                "portfolio.sharpe_uplift",
                ">=",
                section.min_portfolio_sharpe_uplift,
            ),
        )
