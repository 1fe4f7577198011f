"""Daily closes of twenty S&P 500 companies, 1990 to 2022, as skfolio ships them.

The twenty are companies that were large when the file was made: survivors. Whatever buys and holds them
looks better than an investor of 1990 could have known to do, so the demo compares strategies with each
other and with holding the same twenty, and claims nothing about the market.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

DAY: Final = 86_400_000  # milliseconds
BACKTEST_END: Final = 1_609_372_800_000
"""2020-12-31, the last day of every backtest. What was earned afterwards is reported as paper performance."""


@dataclass(frozen=True, eq=False, slots=True)
class Prices:
    """Closes, adjusted for splits and dividends, of the same assets on the same days."""

    dates: NDArray[np.int64]  # (days,) midnight UTC of each trading day, milliseconds since 1970, ascending
    close: NDArray[np.float64]  # (assets, days) US dollars, > 0, no gaps
    tickers: tuple[str, ...]

    @property
    def by_day(self) -> NDArray[np.float64]:
        """The closes as (days, assets), the shape in which weights are decided."""
        return self.close.T

    @property
    def calendar(self) -> NDArray[np.datetime64]:
        """The trading days as dates, shape (days,)."""
        return self.dates.astype("datetime64[ms]").astype("datetime64[D]")

    def until(self, end: int) -> Prices:
        """The prices that were known on a day, milliseconds since 1970."""
        days = int(np.searchsorted(self.dates, end, side="right"))
        return Prices(dates=self.dates[:days], close=self.close[:, :days], tickers=self.tickers)


@cache
def load_prices() -> Prices:
    """Read the data set, once per process; the arrays are read-only, for everybody gets the same ones."""
    # Not at the top: skfolio imports its solvers, which takes seconds that only who needs prices should pay.
    from skfolio.datasets import load_sp500_dataset  # type: ignore[import-untyped, unused-ignore]

    frame = load_sp500_dataset()
    dates = frame.index.to_numpy().astype("datetime64[ms]").astype(np.int64)
    close = np.ascontiguousarray(frame.to_numpy(dtype=np.float64).T)
    dates.setflags(write=False)
    close.setflags(write=False)
    return Prices(dates=dates, close=close, tickers=tuple(str(ticker) for ticker in frame.columns))
