"""Drawdown metrics. The starting equity E_0 = 1 counts as the first peak."""

from __future__ import annotations

import numpy as np

from qmtl.metrics.panel import Column, PanelView, row_count
from qmtl.metrics.returns import cagr


def max_drawdown(view: PanelView) -> Column:
    """Deepest fall from a running peak; a fraction in -1..0."""
    return np.asarray(view.drawdown.min(axis=1))


def calmar_ratio(view: PanelView) -> Column:
    """cagr over the size of max_drawdown; any sign; NaN without a drawdown (Young 1991)."""
    depth = np.abs(max_drawdown(view))
    return np.asarray(cagr(view) / np.where(depth > 0, depth, np.nan))


def ulcer_index(view: PanelView) -> Column:
    """sqrt(mean(drawdown_t^2)) over t = 1..T; a fraction >= 0 (Martin and McCann 1989)."""
    return np.asarray(np.sqrt(view.sum_of_squared_drawdowns / view.periods))


def time_under_water_ratio(view: PanelView) -> Column:
    """Share of periods whose equity stands below its running peak; 0..1."""
    return np.asarray(row_count(view.under_water) / view.periods)


def max_time_under_water_days(view: PanelView) -> Column:
    """Longest consecutive run of periods below the running peak, in days (see days_per_period)."""
    return longest_run_under_water(view) * days_per_period(view.periods_per_year)


def longest_run_under_water(view: PanelView) -> Column:
    """Length of that run in periods.

    Peaks are few: the run is the widest gap between consecutive ones, with a sentinel after the last period.
    """
    at_peak = np.ones((view.strategies, view.periods + 2), dtype=np.bool_)
    np.logical_not(view.under_water, out=at_peak[:, 1:-1])
    gaps = np.diff(np.flatnonzero(at_peak)) - 1
    peaks = row_count(at_peak).astype(np.intp)
    first = np.concatenate(([0], np.cumsum(peaks)[:-1]))
    return np.maximum.reduceat(gaps, first).astype(np.float64)


def days_per_period(periods_per_year: float) -> float:
    """1 for a daily series (252 to 366 periods a year, trading or calendar days), else 365 / P."""
    return 1.0 if 252 <= periods_per_year <= 366 else 365.0 / periods_per_year
