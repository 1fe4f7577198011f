"""What a candidate adds to the live portfolio, and who bears how much of a portfolio's variance.

All over common points: periods in which everyone concerned has a return. A strategy without weight is not
concerned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.domain.correlation import same_points
from qmtl.metrics import Column
from qmtl.metrics.measure import CELLS_AT_A_TIME
from qmtl.metrics.panel import PanelView, Workspace, row_sum
from qmtl.metrics.tail import expected_shortfall, value_at_risk
from qmtl.portfolio.records import Matrix, Rows

TAIL = 0.01
"""VaR and ES at 99 %: the worst hundredth of the periods."""


@dataclass(frozen=True)
class Additions:
    """The live portfolio with a candidate on top minus without it, each of shape (candidates,), NaN: not known.

    `incremental_var_99`, `incremental_es_99`: fractions of capital per period, negative where it diversifies.
    `sharpe_uplift`: annualised. `points`: how many common points that rests on.
    """

    incremental_var_99: Column
    incremental_es_99: Column
    sharpe_uplift: Column
    points: NDArray[np.int64]


def additions(
    live: Matrix,
    weights: Column,
    candidates: Matrix,
    proposed: Column,
    *,
    periods_per_year: float,
    risk_free_rate: float = 0.0,
    min_points: int,
) -> Additions:
    """What each candidate at its proposed weight adds to the live portfolio.

    `live` (strategies, periods) with `weights` (strategies,), `candidates` (N, periods) with `proposed` (N,),
    all on the same times, NaN where there is no return. With an empty live set the tail figures are the
    candidate's own at its weight, and the uplift is its own Sharpe at any weight. NaN below `min_points`
    common points (at least two); the uplift also where either side has no variance. A candidate that is live
    already is to be left out of `live`. The tail figures are those of `qmtl.metrics.incremental_var_es`.
    """
    base = portfolio_returns(live, weights)
    present = ~np.isnan(candidates) & ~np.isnan(base)
    points = np.count_nonzero(present, axis=1)
    kernel = _Kernel(periods_per_year, risk_free_rate, has_live=bool(np.any(weights)))
    figures = np.full((3, len(candidates)), np.nan)
    for rows in same_points(present):
        if points[rows[0]] >= max(min_points, 2):
            common = present[rows[0]]
            for block in _blocks(rows, int(points[rows[0]])):
                own = candidates[block] if common.all() else candidates[np.ix_(block, common)]
                figures[:, block] = kernel.added(base[common], own, proposed[block])
    var, es, uplift = figures
    return Additions(var, es, uplift, points)


def _blocks(rows: Rows, periods: int) -> Iterator[Rows]:
    step = max(1, CELLS_AT_A_TIME // periods)
    return (rows[start : start + step] for start in range(0, len(rows), step))


class _Kernel:
    """The figures of one block of candidates after another, in the same memory."""

    def __init__(self, periods_per_year: float, risk_free_rate: float, *, has_live: bool) -> None:
        self.periods_per_year = periods_per_year
        self.risk_free_rate = risk_free_rate
        self.has_live = has_live
        self._workspace = Workspace()

    def added(self, base: Column, own: Matrix, proposed: Column) -> tuple[Column, Column, Column]:
        """VaR, ES and Sharpe that (n, periods) without a NaN add to (periods,)."""
        without = self._view(base[None], Workspace())
        together = self._view(base + proposed[:, None] * own, self._workspace)
        var = value_at_risk(together, TAIL) - value_at_risk(without, TAIL)
        es = expected_shortfall(together, TAIL) - expected_shortfall(without, TAIL)
        if self.has_live:
            return var, es, together.annual_sharpe - without.annual_sharpe
        return var, es, self._view(own, self._workspace).annual_sharpe

    def _view(self, returns: Matrix, workspace: Workspace) -> PanelView:
        return PanelView(
            returns,
            periods_per_year=self.periods_per_year,
            risk_free_rate=self.risk_free_rate,
            levels=(TAIL,),
            workspace=workspace,
        )


def portfolio_returns(returns: Matrix, weights: Column) -> Column:
    """Return of the weighted strategies per period, (strategies, periods) -> (periods,).

    NaN where one with weight has no return; all 0 where there is no weight at all.
    """
    held = np.flatnonzero(weights)
    return np.asarray((weights[held, None] * returns[held]).sum(axis=0), dtype=np.float64)


def contributions(returns: Matrix, weights: Column) -> Column:
    """Share of each strategy in the portfolio's variance, w_i cov(r_i, p) / var(p); they sum to 1.

    Shape (strategies, periods), (strategies,) -> (strategies,). Negative for one that hedges the others, 0 for
    one without weight. NaN for all where the portfolio's variance is 0 or there are fewer than two common
    points (Litterman 1996).
    """
    held = np.flatnonzero(weights)
    common = ~np.isnan(returns[held]).any(axis=0)
    parts = weights[held, None] * returns[held][:, common]
    whole = PanelView(parts.sum(axis=0)[None], periods_per_year=1.0)
    if not len(held) or whole.periods < 2 or whole.constant[0]:
        return np.full(len(weights), np.nan)
    shares = np.zeros(len(weights))
    shares[held] = row_sum((parts - parts.mean(axis=1, keepdims=True)) * whole.deviations)
    return shares / whole.sum_of_squares
