"""A strategy that was found, not thought of: the luckiest of five hundred random rules.

The rule's numbers are frozen below, so trading it looks at no future price. Choosing them did: the search is
kept in `qmtl_site.demo.mining`, and each of its tries is a trial that the deflated Sharpe ratio charges for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qmtl_site.demo import signals
from qmtl_site.demo.prices import Prices
from qmtl_site.demo.strategies.strategy import DAYS_PER_YEAR, Weights

TRIES = 500
WINDOW = 5 * DAYS_PER_YEAR  # the last so many days of the backtests, over which the tries were compared


@dataclass(frozen=True, slots=True)
class Rule:
    """Long the best and short the worst of some assets by their return over some days, every so often."""

    assets: tuple[int, ...]
    lookback: int
    skip: int
    every: int
    contrarian: bool


LUCKIEST = Rule(assets=(1, 2, 4, 5, 9, 14, 17, 19), lookback=125, skip=1, every=37, contrarian=False)


def mined_500(prices: Prices) -> Weights:
    """The luckiest rule of the search, and nothing else to be said for it."""
    return follow(LUCKIEST, prices)


def follow(rule: Rule, prices: Prices) -> Weights:
    """A quarter of the equity long in each of the rule's two best assets, short in each of its two worst."""
    close = prices.by_day[:, rule.assets]
    score = signals.past(signals.growth(close, rule.lookback), rule.skip) * (-1.0 if rule.contrarian else 1.0)
    side = signals.highest(score, 2).astype(np.float64) - signals.highest(-score, 2)
    weights = np.zeros_like(prices.by_day)
    weights[:, rule.assets] = 0.25 * side
    return signals.only_on(signals.every(prices, rule.every), weights)
