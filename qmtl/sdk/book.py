"""From what a strategy wants to hold to what it earns, net of costs: `auto_returns`, bar by bar.

Conventions, so that a record can be checked by hand:

* Weights are fractions of the equity, decided at the close of a bar from closed bars alone, traded at that close, and
  earn what the prices do until the next close. The return carries the time of the later bar.
* No new weights, or NaN in them: nothing is traded, the holdings drift with the prices. The rest is cash, and earns nil.
* `signals` are weights after division by the sum of their absolute values: at most the whole equity, spread evenly.
* What is bought and sold costs `costs_bps` basis points of it, paid out of the period that the trade opens.
* A trade is a position that is moved by more than a thousandth of the equity at one close.
* Whoever has lost everything stays at zero: one return of -1, then none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from qmtl.sdk.errors import StrategyError
from qmtl.sdk.frame import Floats

SMALLEST_TRADE = 1e-3
LARGEST_WEIGHT = 100.0


@dataclass
class Book:
    """An account in fractions of itself. Feed it one bar after the other."""

    costs_bps: float = 5.0
    held: Floats | None = None
    price: Floats | None = None
    cost: float = 0.0
    ruined: bool = False
    trades: int = 0
    traded: float = 0.0
    times: list[int] = field(default_factory=list)
    returns: list[float] = field(default_factory=list)

    def step(self, time: int, close: Floats, targets: Floats | None) -> float | None:
        """What was earned since the last close, and then trade. None at the first bar: nothing was held before."""
        earned = None
        if self.price is not None and self.held is not None:
            earned = self._earn(close)
            self.times.append(time)
            self.returns.append(earned)
        self.price = close
        self.cost = 0.0
        if targets is not None and not self.ruined and not np.isnan(targets).any():
            self._trade(targets, len(close))
        elif self.held is None:
            return earned
        return earned

    def _earn(self, close: Floats) -> float:
        assert self.held is not None
        assert self.price is not None
        if self.ruined:
            return 0.0
        worth = self.held * (close / self.price)
        whole = 1.0 - float(self.held.sum()) + float(worth.sum())
        net = max(whole, 0.0) * max(1.0 - self.cost, 0.0) - 1.0
        self.ruined = net <= -1.0
        self.held = np.zeros_like(worth) if self.ruined else worth / whole
        return net

    def _trade(self, targets: Floats, width: int) -> None:
        if targets.shape != (width,):
            raise StrategyError(f"there are {targets.shape[0]} weights for {width} symbols")
        if np.abs(targets).max(initial=0.0) > LARGEST_WEIGHT:
            raise StrategyError(f"a weight of {np.abs(targets).max():g} is no fraction of the equity")
        before = np.zeros(width) if self.held is None else self.held
        moved = np.abs(targets - before)
        self.trades += int(np.count_nonzero(moved > SMALLEST_TRADE))
        self.traded += float(moved.sum())
        self.cost = float(moved.sum()) * self.costs_bps * 1e-4
        self.held = targets.astype(np.float64, copy=True)

    def annual_turnover(self, periods_per_year: float) -> float:
        """What is bought and sold in a year, as a multiple of the equity."""
        return self.traded / len(self.returns) * periods_per_year if self.returns else 0.0


def targets_of(outputs: Mapping[str, Floats]) -> Floats | None:
    """The weights that a step's outputs ask for; None: nothing new."""
    if "weights" in outputs:
        return outputs["weights"]
    signals = outputs.get("signals")
    if signals is None:
        return None
    total = float(np.abs(signals).sum())
    return signals / total if total > 0 else np.where(np.isnan(signals), np.nan, 0.0)
