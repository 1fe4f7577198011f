"""Strategies that buy what has gone up."""

from __future__ import annotations

import numpy as np

from qmtl_site.demo import signals
from qmtl_site.demo.prices import Prices
from qmtl_site.demo.strategies.strategy import DAYS_PER_YEAR, Weights

MONTH = 21
WINNERS = 6  # of twenty: the best 30%, the usual breakpoint where deciles would hold two assets


def momentum_252(prices: Prices) -> Weights:
    """The best of the last year but its last month, chosen monthly (Jegadeesh & Titman 1993)."""
    return _winners(prices, DAYS_PER_YEAR, WINNERS)


def momentum_126(prices: Prices) -> Weights:
    """The best of the last half year but its last month."""
    return _winners(prices, 126, WINNERS)


def momentum_120(prices: Prices) -> Weights:
    """The same over 120 days: what another desk calls half a year, and a twin of it."""
    return _winners(prices, 120, WINNERS)


def momentum_single(prices: Prices) -> Weights:
    """All the money on the one best asset of the last quarter: momentum without diversification."""
    return _winners(prices, 63, 1)


def time_series_momentum(prices: Prices) -> Weights:
    """Each asset long after a year up, short after a year down (Moskowitz, Ooi & Pedersen 2012)."""
    year = np.nan_to_num(signals.growth(prices.by_day, DAYS_PER_YEAR))
    return signals.only_on(signals.month_starts(prices), np.sign(year) / len(prices.tickers))


def leaders_756(prices: Prices) -> Weights:
    """What has grown most over three years, held until it no longer has: growth stocks while they are loved.

    The winners that De Bondt & Thaler (1985) expect to disappoint; they do, all at once, when rates rise.
    """
    grown = signals.growth(prices.by_day, 3 * DAYS_PER_YEAR)
    return _best_each_month(prices, grown, WINNERS)


def near_high(prices: Prices) -> Weights:
    """The assets nearest to their highest close of a year (George & Hwang 2004)."""
    close = prices.by_day
    nearness = close / signals.rolling_max(close, DAYS_PER_YEAR)
    return _best_each_month(prices, nearness, WINNERS)


def breakout(prices: Prices) -> Weights:
    """Donchian's channel: in at a new 55-day high, out at a new 20-day low, a twentieth of the money each."""
    close = prices.by_day
    enter = close > signals.past(signals.rolling_max(close, 55), 1)
    leave = close < signals.past(signals.rolling_min(close, 20), 1)
    holding = signals.in_position(enter, leave)
    return signals.on_changes(holding, holding / len(prices.tickers))


def _winners(prices: Prices, days: int, count: int) -> Weights:
    """The assets with the highest return over `days` days, the last month left out, bought each month."""
    score = signals.past(signals.growth(prices.by_day, days - MONTH), MONTH)
    return _best_each_month(prices, score, count)


def _best_each_month(prices: Prices, score: signals.Floats, count: int) -> Weights:
    best = signals.highest(score, count)
    return signals.only_on(signals.month_starts(prices), signals.equal_weight(best))
