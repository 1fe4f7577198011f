"""Tail metrics. They share one ordering of each row."""

from __future__ import annotations

import math

import numpy as np

from qmtl.metrics.panel import Column, PanelView, row_count, row_sum


def quantile(view: PanelView, p: float) -> Column:
    """Quantile with linear interpolation between order statistics (Hyndman and Fan 1996, type 7).

    The view must have p among its levels.
    """
    position = view.position(p)
    below = math.floor(position)
    low = view.ordered[:, below]
    high = view.ordered[:, min(below + 1, view.periods - 1)]
    return np.asarray(np.minimum(low + (position - below) * (high - low), high))


def expected_shortfall(view: PanelView, p: float) -> Column:
    """max(0, -mean(r where r <= quantile(r, p))); a loss as a positive fraction.

    The values at or below the quantile are the first of the ordered row; further ones can only equal it.
    """
    bound = quantile(view, p)
    sure = math.floor(view.position(p)) + 1
    count = np.full(view.strategies, float(sure))
    tied = np.flatnonzero(view.ordered[:, min(sure, view.periods - 1)] <= bound)
    count[tied] = row_count(view.ordered[tied] <= bound[tied, None])
    total = row_sum(view.ordered[:, :sure]) + (count - sure) * bound
    return np.asarray(np.maximum(0.0, -total / count))


def value_at_risk(view: PanelView, p: float) -> Column:
    """max(0, -quantile(r, p)); a loss as a positive fraction."""
    return np.maximum(0.0, -quantile(view, p))


def var_p01(view: PanelView) -> Column:
    """Value at risk at 1 %; a loss as a positive fraction."""
    return value_at_risk(view, 0.01)


def var_p05(view: PanelView) -> Column:
    """Value at risk at 5 %; a loss as a positive fraction."""
    return value_at_risk(view, 0.05)


def es_p01(view: PanelView) -> Column:
    """Expected shortfall at 1 %; a loss as a positive fraction (Acerbi and Tasche 2002)."""
    return expected_shortfall(view, 0.01)


def es_p05(view: PanelView) -> Column:
    """Expected shortfall at 5 %; a loss as a positive fraction (Acerbi and Tasche 2002)."""
    return expected_shortfall(view, 0.05)


def tail_ratio(view: PanelView) -> Column:
    """abs(quantile(r, .95)) / abs(quantile(r, .05)); >= 0; NaN where the lower quantile is 0."""
    low = np.abs(quantile(view, 0.05))
    return np.abs(quantile(view, 0.95)) / np.where(low > 0, low, np.nan)
