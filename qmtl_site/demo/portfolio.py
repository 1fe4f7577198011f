"""From the weights that a strategy wants to the daily returns that it would have earned, net of costs.

Conventions, so that a record can be checked by hand:

* Weights are decided at the close of day t from closes up to and including day t, traded at that close, and
  earn the return from t to t+1. The return carries the date of t+1.
* A row of NaN means "trade nothing": the shares stay, and their weights drift with the prices. What is not
  invested is cash, earning nothing; a short sale's proceeds are cash too.
* Every dollar bought or sold costs `cost_bps` basis points, paid out of the period that the trade opens.
* A trade is one asset whose weight is moved at one close by more than a thousandth of the equity; smaller
  corrections cost their basis points but are not counted, or daily rebalancing would fake a large sample.
* Who has lost everything stays at zero: one return of -1, then none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qmtl_site.demo.prices import Prices
from qmtl_site.demo.strategies.strategy import DAYS_PER_YEAR, DemoStrategy

SMALLEST_TRADE = 0.001  # of the equity


@dataclass(frozen=True, eq=False, slots=True)
class Simulation:
    """A strategy's record: one entry per period, oldest first."""

    timestamps: NDArray[np.int64]  # (periods,) milliseconds since 1970, the day on which the return was made
    returns: NDArray[np.float64]  # (periods,) simple, net of costs, >= -1
    trades: int  # positions moved within the record
    annual_turnover: float  # dollars bought and sold per year, as a multiple of the equity; >= 0


@dataclass(frozen=True, eq=False, slots=True)
class _Book:
    """What was held over each period from close t to close t+1; all shapes (periods, ...)."""

    gross: NDArray[np.float64]  # return before costs
    moved: NDArray[np.float64]  # (periods, assets) change of weight traded at the close that opens the period


def simulate(
    strategy: DemoStrategy,
    prices: Prices,
    *,
    start: int | None = None,
    end: int | None = None,
    cost_bps: float = 5.0,
) -> Simulation:
    """Run a strategy over all prices and keep the part of the record within [start, end].

    `start` and `end` are milliseconds since 1970, both included; without `end` the record goes to the last
    price, without `start` it is the strategy's own `record_days` before the end. What lies before the record
    warms the strategy up: it enters the record with what it already held, so that no purchase opens it.
    """
    book = _keep_book(strategy.weights(prices), prices.by_day)
    turnover = np.abs(book.moved).sum(axis=1)
    net = _stop_when_ruined((1.0 + book.gross) * np.maximum(1.0 - cost_bps * 1e-4 * turnover, 0.0) - 1.0)
    timestamps = prices.dates[1:]
    last = len(timestamps) if end is None else int(np.searchsorted(timestamps, end, side="right"))
    first = max(0, last - strategy.record_days) if start is None else int(np.searchsorted(timestamps, start))
    record = slice(first, last)
    return Simulation(
        timestamps=timestamps[record],
        returns=net[record],
        trades=int(np.count_nonzero(np.abs(book.moved[record]) > SMALLEST_TRADE)),
        annual_turnover=float(turnover[record].mean()) * DAYS_PER_YEAR if last > first else 0.0,
    )


def _keep_book(targets: NDArray[np.float64], close: NDArray[np.float64]) -> _Book:
    """Follow the shares from one rebalancing to the next.

    Both shapes (days, assets). Between two rebalancings nothing is traded, so the worth of the
    holdings at any close is the weights set at the last rebalancing times the growth of the prices since.
    """
    days = np.arange(len(close))
    decided = np.asarray(~np.isnan(targets).any(axis=1))
    since = np.maximum.accumulate(np.where(decided, days, 0))
    held = np.where(decided[since, np.newaxis], targets[since], 0.0)[:-1]
    bought_at, cash = close[since[:-1]], 1.0 - held.sum(axis=1)
    worth_before = cash + (held * close[:-1] / bought_at).sum(axis=1)
    holdings_after = held * close[1:] / bought_at
    worth_after = cash + holdings_after.sum(axis=1)
    gross = np.maximum(worth_after, 0.0) / np.where(worth_before > 0.0, worth_before, np.inf) - 1.0
    drifted = holdings_after / np.where(worth_after > 0.0, worth_after, np.inf)[:, np.newaxis]
    before_trading = np.vstack([np.zeros_like(held[:1]), drifted[:-1]])
    moved = np.where(decided[:-1, np.newaxis], held - before_trading, 0.0)
    return _Book(gross=gross, moved=moved)


def _stop_when_ruined(returns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Zero after the first return of -1: nothing is left that could earn."""
    ruined = np.maximum.accumulate(returns <= -1.0)
    was_ruined = np.concatenate([[False], ruined[:-1]])
    return np.where(was_ruined, 0.0, np.maximum(returns, -1.0))
