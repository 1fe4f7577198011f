"""Sharpes of parts of the record: does the figure hold over time?"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from qmtl.metrics.panel import Column, Panel, PanelView, row_sum

FOLDS = 5
LEAST_PERIODS = 60


def cv_folds(view: PanelView) -> Column:
    """Number of folds, a count; NaN below 60 points."""
    return np.full(view.strategies, float(FOLDS) if view.periods >= LEAST_PERIODS else np.nan)


def cv_sharpe_mean(view: PanelView) -> Column:
    """Mean of the folds' annualised Sharpes; any sign; NaN below 60 points or where a fold has none."""
    return row_sum(fold_sharpes(view)) / FOLDS


def cv_sharpe_std(view: PanelView) -> Column:
    """Standard deviation (ddof=1) of the folds' annualised Sharpes; >= 0; NaN as for the mean."""
    return np.asarray(fold_sharpes(view).std(axis=1, ddof=1))


def sharpe_first_half(view: PanelView) -> Column:
    """Annualised Sharpe of the first floor(T/2) periods; NaN at zero variance or below two points."""
    return part_sharpe(view, 0, view.periods // 2)


def sharpe_second_half(view: PanelView) -> Column:
    """Annualised Sharpe of the periods after the first floor(T/2); NaN as for the first half."""
    return part_sharpe(view, view.periods // 2, view.periods)


def cv_sharpe_gap(view: PanelView) -> Column:
    """Absolute difference of the halves' Sharpes; >= 0; NaN where a half has none."""
    return np.abs(sharpe_first_half(view) - sharpe_second_half(view))


def fold_bounds(periods: int) -> list[tuple[int, int]]:
    """The (start, stop) of each fold, first points of every fold but the first left out.

    Sizes differ by at most one, the longer ones first; max(1, floor(T/100)) points separate the folds.
    """
    size, longer = divmod(periods, FOLDS)
    edges = [fold * size + min(fold, longer) for fold in range(FOLDS + 1)]
    left_out = max(1, periods // 100)
    return [(start + (left_out if fold else 0), stop) for fold, (start, stop) in enumerate(pairwise(edges))]


def fold_sharpes(view: PanelView) -> Panel:
    """Annualised Sharpe of each fold, shape (strategies, folds)."""
    if view.periods < LEAST_PERIODS:
        return np.full((view.strategies, FOLDS), np.nan)
    return np.stack([part_sharpe(view, start, stop) for start, stop in fold_bounds(view.periods)], axis=1)


def part_sharpe(view: PanelView, start: int, stop: int) -> Column:
    """Annualised Sharpe over some of the periods; NaN where there are fewer than two."""
    if stop - start < 2:
        return np.full(view.strategies, np.nan)
    return view.part(start, stop).annual_sharpe
