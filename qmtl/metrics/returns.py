"""Return metrics, one function each. All take a block of strategies and give one figure per strategy."""

from __future__ import annotations

import math

import numpy as np

from qmtl.metrics.panel import Column, Panel, PanelView, row_count


def sample_count(view: PanelView) -> Column:
    """Number of periods T; a count."""
    return np.full(view.strategies, float(view.periods))


def total_return(view: PanelView) -> Column:
    """prod(1 + r) - 1; a fraction >= -1."""
    return np.subtract(view.wealth[:, -1], 1.0)


def cagr(view: PanelView) -> Column:
    """(1 + total_return)^(P/T) - 1; a fraction >= -1 per year; NaN where it overflows or T < 2."""
    if view.periods < 2:
        return np.full(view.strategies, np.nan)
    return np.asarray(view.wealth[:, -1] ** (view.periods_per_year / view.periods) - 1.0)


def volatility(view: PanelView) -> Column:
    """std(r, ddof=1) sqrt(P); a fraction >= 0 per year; NaN below two points."""
    return view.deviation * math.sqrt(view.periods_per_year)


def sharpe(view: PanelView) -> Column:
    """mean(r - rf/P) / std(r, ddof=1) sqrt(P); any sign; NaN at zero variance (Sharpe 1994)."""
    return view.annual_sharpe


def sortino_ratio(view: PanelView) -> Column:
    """mean(r) P / (sqrt(mean(min(r, 0)^2)) sqrt(P)); any sign; NaN without a losing period (Sortino 1994)."""
    downside = np.sqrt(view.sum_of_squared_losses / view.periods)
    divisor = np.where((downside > 0) & np.isfinite(downside), downside, np.nan)
    return view.mean / divisor * math.sqrt(view.periods_per_year)


def win_rate(view: PanelView) -> Column:
    """Share of positive among non-zero returns; 0..1; NaN where all are zero."""
    moves = row_count(view.returns != 0)
    return row_count(view.returns > 0) / np.where(moves > 0, moves, np.nan)


def profit_factor(view: PanelView) -> Column:
    """Sum of gains over the size of the sum of losses; >= 0; NaN without a losing period."""
    return view.gains / view.losses


def gain_to_pain_ratio(view: PanelView) -> Column:
    """sum(r) over the size of the sum of losses; >= -1; NaN without a losing period (Schwager 2012)."""
    return view.total / view.losses


def skew(view: PanelView) -> Column:
    """m3 / m2^1.5 with population moments; any sign; NaN for a constant series."""
    return view.skew


def kurtosis(view: PanelView) -> Column:
    """m4 / m2^2 with population moments, 3 for a normal; >= 1; NaN for a constant series."""
    return view.kurtosis


def best_period(view: PanelView) -> Column:
    """Greatest return of one period; a fraction."""
    return view.maximum


def worst_period(view: PanelView) -> Column:
    """Least return of one period; a fraction >= -1."""
    return view.minimum


def sharpe_per_period(panel: Panel) -> Column:
    """mean(r) / std(r, ddof=1), not annualised.

    Shape (strategies, periods) -> (strategies,). Any sign; NaN below two points and at zero variance.
    """
    view = PanelView(np.atleast_2d(np.asarray(panel, dtype=np.float64)), periods_per_year=1.0)
    if view.periods == 0:
        return np.full(view.strategies, np.nan)
    with np.errstate(all="ignore"):
        return np.where(view.valid, view.sharpe, np.nan)
