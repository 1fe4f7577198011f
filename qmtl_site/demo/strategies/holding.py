"""Strategies that hold the market, or get out of its way."""

from __future__ import annotations

import numpy as np

from qmtl_site.demo import signals
from qmtl_site.demo.prices import Prices
from qmtl_site.demo.strategies.strategy import DAYS_PER_YEAR, Weights


def buy_and_hold(prices: Prices) -> Weights:
    """The same money in every asset, set right each January and left alone: the benchmark."""
    year = prices.calendar.astype("datetime64[Y]")
    new_year = np.concatenate([[True], year[1:] != year[:-1]])
    everything = signals.equal_weight(np.ones_like(prices.by_day, dtype=np.bool_))
    return signals.only_on(new_year, everything)


def low_volatility(prices: Prices) -> Weights:
    """The six assets that moved least over a year, chosen monthly (Blitz & van Vliet 2007)."""
    volatility = signals.rolling_std(signals.growth(prices.by_day, 1), DAYS_PER_YEAR)
    calmest = signals.highest(-volatility, 6)
    return signals.only_on(signals.month_starts(prices), signals.equal_weight(calmest))


def volatility_target(prices: Prices) -> Weights:
    """Equal weights, scaled to last month's volatility: ten percent a year is wanted (Moreira & Muir 2017).

    Never more than fully invested, and set right once a week: every day would mostly be cost.
    """
    market = signals.growth(prices.by_day, 1).mean(axis=1, keepdims=True)
    volatility = signals.rolling_std(market, 21) * np.sqrt(DAYS_PER_YEAR)
    invested = np.nan_to_num(np.minimum(0.10 / np.maximum(volatility, 1e-9), 1.0))
    share = np.full(prices.by_day.shape, 1.0 / len(prices.tickers))
    return signals.only_on(signals.every(prices, 5), share * invested)


def turn_of_month(prices: Prices) -> Weights:
    """Invested on a month's last trading day and the next one's first three (Lakonishok & Smidt 1988).

    Business days are counted without holidays, so the window is sometimes a day off: nobody's edge.
    """
    days = prices.calendar
    month = days.astype("datetime64[M]")
    since = np.busday_count(month.astype("datetime64[D]"), days)
    until = np.busday_count(days, (month + 1).astype("datetime64[D]")) - 1
    inside = (until <= 1) | (since <= 1)
    invested = np.repeat(inside[:, np.newaxis], len(prices.tickers), axis=1)
    return signals.on_changes(invested, signals.equal_weight(invested))
