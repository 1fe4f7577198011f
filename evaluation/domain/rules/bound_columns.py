"""Bounds over many runs at once: the very verdicts that `judge_bounds` gives each of them alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evaluation.domain.rules.rule import Bound, OnMissing

PASS, FAIL, INCONCLUSIVE = 1, 0, -1
Verdicts = NDArray[np.int8]
Margins = NDArray[np.float64]
"""(bounds, runs); below 0 misses the bound, NaN: the figure is missing."""


def margins_of(bounds: Sequence[Bound], values: NDArray[np.float64]) -> Margins:
    """How far the figures, (bounds, runs), are on the good side of their bounds."""
    sign = np.array([1.0 if bound.op == ">=" else -1.0 for bound in bounds])
    with np.errstate(over="ignore"):
        margins: Margins = (values - np.array([bound.value for bound in bounds])[:, None]) * sign[:, None]
    return margins


def verdicts_of(margins: Margins, on_missing: OnMissing) -> Verdicts:
    """A miss fails; a missing figure fails, is inconclusive, or is left out; no bound at all passes."""
    verdicts = np.full(margins.shape[1], PASS, dtype=np.int8)
    if not len(margins):
        return verdicts
    absent = np.isnan(margins)
    if on_missing == "ignore":
        verdicts[absent.all(axis=0)] = INCONCLUSIVE
    else:
        verdicts[absent.any(axis=0)] = FAIL if on_missing == "fail" else INCONCLUSIVE
    verdicts[(margins < 0).any(axis=0)] = FAIL
    return verdicts
