"""Shapes of the kernel, and what the metrics of one block of strategies share."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Panel: TypeAlias = NDArray[np.float64]
"""(strategies, periods), simple net returns per period, oldest first."""

Column: TypeAlias = NDArray[np.float64]
"""(strategies,), one figure each; NaN where there is none. Also one plain series."""

Mask: TypeAlias = NDArray[np.bool_]

TAIL_LEVELS = (0.01, 0.05, 0.95)
"""The quantiles that the tail metrics look at."""

SPREAD_RELATIVE = 1e-12
SPREAD_ABSOLUTE = 8 * float(np.finfo(np.float64).eps)


class Workspace:
    """Arrays that one block of strategies leaves to the next: fresh memory costs as much as arithmetic."""

    def __init__(self) -> None:
        self._arrays: dict[tuple[str, tuple[int, ...]], Panel] = {}
        self._parts: dict[tuple[int, int], Workspace] = {}

    def array(self, name: str, shape: tuple[int, ...]) -> Panel:
        """An array of that name and shape with anything in it."""
        key = (name, shape)
        if key not in self._arrays:
            self._arrays[key] = np.empty(shape)
        return self._arrays[key]

    def part(self, start: int, stop: int) -> Workspace:
        """The workspace of one part of the periods."""
        return self._parts.setdefault((start, stop), Workspace())


class PanelView:
    """A block of strategies of equal length, with the intermediates that its metrics share.

    Each intermediate is computed when first asked for and kept. One row never influences another, so a
    strategy measured alone has exactly the figures that it has in a panel. A view that was given another's
    workspace ends the other's life.
    """

    def __init__(
        self,
        returns: Panel,
        *,
        periods_per_year: float,
        risk_free_rate: float = 0.0,
        trials: Column | None = None,
        trial_sharpe_variance: Column | None = None,
        levels: tuple[float, ...] = TAIL_LEVELS,
        workspace: Workspace | None = None,
    ) -> None:
        self.returns = returns
        self.strategies, self.periods = returns.shape
        self.periods_per_year = periods_per_year
        self.risk_free_rate = risk_free_rate
        self.levels = levels
        self._trials = trials
        self._trial_sharpe_variance = trial_sharpe_variance
        self._workspace = workspace or Workspace()
        self._parts: dict[tuple[int, int], PanelView] = {}

    def part(self, start: int, stop: int) -> PanelView:
        """The same strategies over the periods start <= t < stop; asked again, the same view."""
        if (start, stop) not in self._parts:
            self._parts[start, stop] = PanelView(
                self.returns[:, start:stop],
                periods_per_year=self.periods_per_year,
                risk_free_rate=self.risk_free_rate,
                workspace=self._workspace.part(start, stop),
            )
        return self._parts[start, stop]

    def _array(self, name: str) -> Panel:
        return self._workspace.array(name, (self.strategies, self.periods))

    def _sum_of_products(self, left: Panel, right: Panel) -> Column:
        return row_sum(np.multiply(left, right, out=self._array("product")))

    @cached_property
    def trials(self) -> Column:
        """Number of trials behind each strategy, 1 where nothing is said."""
        if self._trials is None:
            return np.ones(self.strategies)
        return np.where(np.isnan(self._trials), 1.0, self._trials)

    @cached_property
    def trial_sharpe_variance(self) -> Column:
        """Variance of the trials' per-period Sharpes; 1/(T-1) where not known or fewer than two trials."""
        default = np.full(self.strategies, 1.0 / (self.periods - 1) if self.periods > 1 else np.nan)
        if self._trial_sharpe_variance is None:
            return default
        unknown = np.isnan(self._trial_sharpe_variance) | (self.trials < 2)
        return np.where(unknown, default, self._trial_sharpe_variance)

    @cached_property
    def minimum(self) -> Column:
        """Least return; NaN where the row has a NaN."""
        return np.asarray(self.returns.min(axis=1))

    @cached_property
    def maximum(self) -> Column:
        """Greatest return; NaN where the row has a NaN."""
        return np.asarray(self.returns.max(axis=1))

    @cached_property
    def constant(self) -> Mask:
        """Rows whose returns differ by no more than rounding.

        A return is a ratio less one and carries the rounding of numbers near 1 whatever its own size, hence
        the absolute bound of a few 1e-16 beside the relative one.
        """
        size = np.maximum(np.abs(self.minimum), np.abs(self.maximum))
        return np.asarray(self.maximum - self.minimum <= SPREAD_RELATIVE * size + SPREAD_ABSOLUTE)

    @cached_property
    def valid(self) -> Mask:
        """Rows that are series of returns: finite and never below -1."""
        return np.asarray(np.isfinite(self.maximum) & (self.minimum >= -1.0))

    @cached_property
    def total(self) -> Column:
        """Sum of the returns."""
        return row_sum(self.returns)

    @cached_property
    def mean(self) -> Column:
        """Mean return per period."""
        return np.asarray(self.total / self.periods)

    @cached_property
    def deviations(self) -> Panel:
        """Returns less their mean."""
        return np.subtract(self.returns, self.mean[:, None], out=self._array("deviations"))

    @cached_property
    def squared_deviations(self) -> Panel:
        """Squares of the deviations."""
        return np.multiply(self.deviations, self.deviations, out=self._array("squared_deviations"))

    @cached_property
    def sum_of_squares(self) -> Column:
        """Sum of squared deviations."""
        return row_sum(self.squared_deviations)

    @cached_property
    def deviation(self) -> Column:
        """Standard deviation per period, ddof=1; 0 for a constant series, NaN below two points."""
        if self.periods < 2:
            return np.full(self.strategies, np.nan)
        return np.where(self.constant, 0.0, np.sqrt(self.sum_of_squares / (self.periods - 1)))

    @cached_property
    def spread(self) -> Column:
        """The deviation as a divisor: NaN where it is zero, or beyond what a number holds."""
        return np.where((self.deviation > 0) & np.isfinite(self.deviation), self.deviation, np.nan)

    @cached_property
    def sharpe(self) -> Column:
        """Per-period Sharpe mean/std, not annualised, no risk-free rate; NaN at zero variance."""
        return np.asarray(self.mean / self.spread)

    @cached_property
    def skew(self) -> Column:
        """Third standardised population moment; NaN for a constant series."""
        m2 = self.sum_of_squares / self.periods
        m3 = self._sum_of_products(self.squared_deviations, self.deviations) / self.periods
        return np.asarray(m3 / np.where(self.constant, np.nan, m2 * np.sqrt(m2)))

    @cached_property
    def kurtosis(self) -> Column:
        """Fourth standardised population moment, 3 for a normal; NaN for a constant series."""
        m2 = self.sum_of_squares / self.periods
        m4 = self._sum_of_products(self.squared_deviations, self.squared_deviations) / self.periods
        return np.asarray(m4 / np.where(self.constant, np.nan, m2 * m2))

    @cached_property
    def sum_of_squared_losses(self) -> Column:
        """Sum of squares of the losing returns."""
        return self._sum_of_products(self.losing, self.losing)

    @cached_property
    def gains(self) -> Column:
        """Sum of the gains, >= 0."""
        return row_sum(np.maximum(self.returns, 0.0, out=self._array("product")))

    @cached_property
    def losing(self) -> Panel:
        """Returns with the gains replaced by 0."""
        return np.minimum(self.returns, 0.0, out=self._array("losing"))

    @cached_property
    def losses(self) -> Column:
        """Size of the sum of losses, >= 0; NaN where there is no losing period."""
        size = -row_sum(self.losing)
        return np.where(size > 0, size, np.nan)

    @cached_property
    def wealth(self) -> Panel:
        """Equity E_0 = 1, E_1 .. E_T: shape (strategies, periods + 1); 0 for ever after a total loss."""
        wealth = self._workspace.array("wealth", (self.strategies, self.periods + 1))
        wealth[:, 0] = 1.0
        np.add(self.returns, 1.0, out=wealth[:, 1:])
        np.multiply.accumulate(wealth, axis=1, out=wealth)
        return wealth

    @cached_property
    def peak(self) -> Panel:
        """Running peak of the equity, E_0 counted."""
        return np.maximum.accumulate(
            self.wealth, axis=1, out=self._workspace.array("peak", self.wealth.shape)
        )

    @cached_property
    def drawdown(self) -> Panel:
        """Equity over its running peak less one, periods 1..T, fractions <= 0."""
        drawdown = np.divide(self.wealth[:, 1:], self.peak[:, 1:], out=self._array("drawdown"))
        return np.subtract(drawdown, 1.0, out=drawdown)

    @cached_property
    def sum_of_squared_drawdowns(self) -> Column:
        """Sum of squared drawdowns over periods 1..T."""
        return self._sum_of_products(self.drawdown, self.drawdown)

    @cached_property
    def under_water(self) -> NDArray[np.bool_]:
        """Where equity stands below its running peak, periods 1..T."""
        return np.asarray(self.wealth[:, 1:] < self.peak[:, 1:])

    @cached_property
    def annual_sharpe(self) -> Column:
        """mean(r - rf/P) / std(r, ddof=1) sqrt(P); NaN at zero variance."""
        excess = self.mean - self.risk_free_rate / self.periods_per_year
        return np.asarray(excess / self.spread * math.sqrt(self.periods_per_year))

    @cached_property
    def ordered(self) -> Panel:
        """Returns of each strategy, in order as far as its levels need it.

        The order statistics beside each level stand at their places, lesser returns before and greater ones
        behind them: a partition, which costs three quarters of a sort.
        """
        ordered = self._array("ordered")
        ordered[:] = self.returns
        below = {math.floor(self.position(level)) for level in self.levels}
        places = below | {min(place + 1, self.periods - 1) for place in below}
        ordered.partition(sorted(places), axis=1)
        return ordered

    def position(self, level: float) -> float:
        """Place (T-1)p of a quantile among the sorted returns, whole where only rounding keeps it from it."""
        if level not in self.levels:
            raise ValueError(f"the view was not made for the quantile {level}")
        return float(round((self.periods - 1) * level, 9))


def row_sum(panel: Panel) -> Column:
    """Sum over the periods, (strategies, periods) -> (strategies,)."""
    return np.asarray(panel.sum(axis=1), dtype=np.float64)


def row_count(mask: NDArray[np.bool_]) -> Column:
    """Number of marked periods, (strategies, periods) -> (strategies,)."""
    return np.asarray(mask.view(np.uint8).sum(axis=1, dtype=np.uint32), dtype=np.float64)
