"""Strategies as authors write them, and prices to try them on."""

from __future__ import annotations

import numpy as np

from qmtl.sdk import Frame, Node, Strategy

DAY = 86_400_000
FIRST = 1_262_563_200_000  # 2010-01-04, a Monday


def weekdays(count: int, first: int = FIRST) -> np.ndarray:
    days = np.busday_offset(
        np.datetime64(first, "ms").astype("datetime64[D]"), np.arange(count), roll="forward"
    )
    return days.astype("datetime64[ms]").astype(np.int64)


def prices(bars: int = 600, symbols: int = 5, *, seed: int = 1, drift: float = 0.0006) -> Frame:
    """Daily closes that wander."""
    draws = np.random.default_rng(seed).normal(drift, 0.012, (bars, symbols))
    close = 100.0 * np.exp(np.cumsum(draws, axis=0))
    return Frame(weekdays(bars), tuple(f"S{n}" for n in range(symbols)), {"close": close})


class Momentum(Strategy):
    """Long the symbols with a positive return over the period."""

    period = 61

    def setup(self) -> None:
        closes = self.stream("close", interval="1d", period=self.period)
        self.add(Node("weights", [closes], lambda w: (w[-1] > w[0]) / w.shape[1], period=self.period))


class Holding(Strategy):
    """The same of everything, always."""

    id = "holding"

    def setup(self) -> None:
        self.add(Node("signals", [self.stream("close")], lambda w: np.ones(w.shape[1])))


class Losing(Strategy):
    """Buys what has just risen, each day, and pays for it."""

    costs_bps = 50.0

    def setup(self) -> None:
        closes = self.stream("close", period=2)
        self.add(Node("weights", [closes], lambda w: np.eye(w.shape[1])[np.argmax(w[-1] / w[0])]))


class Breaking(Strategy):
    """Fails in the middle."""

    def setup(self) -> None:
        self.bars = 0
        self.add(Node("weights", [self.stream("close")], self.decide))

    def decide(self, w: np.ndarray) -> np.ndarray:
        self.bars += 1
        if self.bars == 100:
            raise ZeroDivisionError("nothing to divide by")
        return np.ones(w.shape[1]) / w.shape[1]
