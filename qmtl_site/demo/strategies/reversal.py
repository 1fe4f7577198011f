"""Strategies that buy what has gone down."""

from __future__ import annotations

import numpy as np

from qmtl_site.demo import signals
from qmtl_site.demo.prices import Prices
from qmtl_site.demo.strategies.strategy import DAYS_PER_YEAR, Weights


def daily_reversal(prices: Prices) -> Weights:
    """Long yesterday's losers, short its winners, in proportion, every day (Lehmann 1990).

    What was an edge in the 1980s is none among large companies today, and trading the whole book over every
    day costs some 18% a year.
    """
    day = np.nan_to_num(signals.growth(prices.by_day, 1))
    against = day.mean(axis=1, keepdims=True) - day
    gross: Weights = np.abs(against).sum(axis=1, keepdims=True)
    shares: Weights = against / np.maximum(gross, 1e-12)
    return shares


def long_term_losers(prices: Prices) -> Weights:
    """The three worst assets of the last three years, chosen monthly (De Bondt & Thaler 1985)."""
    fall = -signals.growth(prices.by_day, 3 * DAYS_PER_YEAR)
    return signals.only_on(signals.month_starts(prices), signals.equal_weight(signals.highest(fall, 3)))


def pair(prices: Prices) -> Weights:
    """Coca-Cola against Pepsi, from two deviations apart until they meet again (Gatev et al. 2006)."""
    left, right = prices.tickers.index("KO"), prices.tickers.index("PEP")
    spread = np.log(prices.by_day[:, [left]] / prices.by_day[:, [right]])
    z = (spread - signals.rolling_mean(spread, 126)) / np.maximum(signals.rolling_std(spread, 126), 1e-9)
    cheap = signals.in_position(z < -2.0, z > 0.0)
    dear = signals.in_position(z > 2.0, z < 0.0)
    position = cheap.astype(np.float64) - dear
    weights = np.zeros_like(prices.by_day)
    weights[:, [left]], weights[:, [right]] = 0.5 * position, -0.5 * position
    return signals.on_changes(position, weights)
