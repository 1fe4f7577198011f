"""Return records side by side, and what their correlations are made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qmtl.metrics import Column
from qmtl.metrics.panel import Mask, PanelView

Rows = NDArray[np.int64]
"""(n,), places of strategies in the panel."""

Matrix = NDArray[np.float64]
"""(strategies, periods) or (strategies, strategies)."""


def standardised(values: Matrix) -> Matrix:
    """Rows centred and scaled to unit length, (strategies, periods) of the same shape without a NaN.

    The sum of products of two such rows is their Pearson correlation. A row whose returns differ by no more
    than rounding is constant and becomes NaN; so does one whose squares overflow.
    """
    if values.shape[1] == 0:
        return np.empty_like(values)
    with np.errstate(all="ignore"):
        view = PanelView(values, periods_per_year=1.0)
        return np.asarray(view.deviations / length_of(view.sum_of_squares, view.constant)[:, None])


def length_of(sum_of_squares: Column, constant: Mask) -> Column:
    """By what a centred row is divided; NaN where it is constant or overflows."""
    return np.where(constant | ~np.isfinite(sum_of_squares), np.nan, np.sqrt(sum_of_squares))
