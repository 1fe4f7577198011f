"""Probability of backtest overfitting by combinatorially symmetric cross-validation (CSCV)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, reduce
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from qmtl.metrics.panel import Column, Mask, Panel, PanelView
from qmtl.metrics.series import BadSeries

BLOCKS = 16
LEAST_PERIODS_PER_BLOCK = 10
CELLS_AT_A_TIME = 1 << 18
FLAT = 1e-12


def pbo(matrix: Panel, *, blocks: int = BLOCKS) -> float | None:
    """Share of splits in which the best in sample is no better than the median out of sample; 0..1.

    Bailey, Borwein, Lopez de Prado and Zhu (2015). `matrix` has one row of returns per cohort member on
    common timestamps, oldest first. Its periods are cut into 16 blocks; each of the C(16, 8) ways to choose
    half of them is one split: the member with the best Sharpe in the chosen half is ranked among all in the
    other half, w = rank / (members + 1), and the split counts when logit(w) <= 0.

    The oldest points are dropped to make the length a multiple of the blocks. None below 10 points per block
    (160 points) or below two members. Ties, on purpose and without regard to the order of members: of
    several best in sample the one that is worst out of sample is taken; equals out of sample share their
    mean rank; a member without a Sharpe (no variance in that half) ranks below those that have one.
    """
    if blocks < 2 or blocks % 2:
        raise ValueError("blocks must be an even number of at least 2")
    members, periods = matrix.shape
    if members < 2 or periods < LEAST_PERIODS_PER_BLOCK * blocks:
        return None
    if not np.isfinite(matrix).all():
        raise BadSeries(None, "the cohort's returns are not all finite")
    blocks_of_returns = matrix[:, periods % blocks :].reshape(members, blocks, -1)
    halves = first_halves(blocks)
    step = max(1, CELLS_AT_A_TIME // members)
    scores = _HalfScores(blocks_of_returns)
    overfit = 0
    for half in (halves[start : start + step] for start in range(0, len(halves), step)):
        # A choice and its complement are two splits over the same two sets of scores.
        one, other = scores.of(half), scores.of(1.0 - half)
        overfit += int(np.count_nonzero(is_overfit(one, other)) + np.count_nonzero(is_overfit(other, one)))
    return overfit / (2 * len(halves))


@lru_cache(maxsize=4)
def first_halves(blocks: int) -> Panel:
    """Every choice of half the blocks that has the first one, as a row of zeros and ones, shape (choices, blocks).

    The other choices are their complements.
    """
    chosen = np.array([(0, *rest) for rest in combinations(range(1, blocks), blocks // 2 - 1)])
    halves = np.zeros((len(chosen), blocks))
    np.put_along_axis(halves, chosen, 1.0, axis=1)
    halves.flags.writeable = False
    return halves


def is_overfit(inside: Panel, outside: Panel) -> Mask:
    """Per split: does the best member in sample rank no better than the middle out of sample?

    Both of shape (splits, members). logit(w) <= 0 is w <= 1/2, that is rank <= (members + 1) / 2.
    """
    best = inside == inside.max(axis=1, keepdims=True)
    taken = np.where(best, outside, np.inf).min(axis=1, keepdims=True)
    below = np.count_nonzero(outside < taken, axis=1)
    equal = np.count_nonzero(outside == taken, axis=1)
    rank = below + (equal + 1) / 2
    return np.asarray(rank <= (outside.shape[1] + 1) / 2)


class _HalfScores:
    """Per-period Sharpes of all members in any choice of blocks, from each block's sums.

    The sums are taken about the member's own mean, which keeps the variance free of cancellation. Sharpes
    are compared to 12 decimals, so that rounding does not rank equals (one member at two sizes, say).
    """

    def __init__(self, blocks_of_returns: NDArray[np.float64]) -> None:
        self.mean = blocks_of_returns.mean(axis=(1, 2))
        centred = blocks_of_returns - self.mean[:, None, None]
        self.sums = np.ascontiguousarray(centred.sum(axis=2).T)
        self.squares = np.ascontiguousarray((centred * centred).sum(axis=2).T)
        self.points = blocks_of_returns.shape[2] * blocks_of_returns.shape[1] // 2
        flat = PanelView(blocks_of_returns.reshape(len(self.mean), -1), periods_per_year=1.0).constant
        self.squares[:, flat] = 0.0

    def of(self, halves: Panel) -> Panel:
        """Shape (halves, blocks) -> (halves, members); -inf where a member has no variance."""
        total = np.einsum("hb,bm->hm", halves, self.sums)
        squares = np.einsum("hb,bm->hm", halves, self.squares)
        about_mean = squares - total * total / self.points
        about_mean[about_mean <= FLAT * squares] = np.nan
        sharpe = (self.mean + total / self.points) / np.sqrt(about_mean / (self.points - 1))
        return np.where(np.isnan(sharpe), -np.inf, np.round(sharpe, 12))


def common_panel(
    series: Sequence[tuple[NDArray[np.int64], Column]],
) -> tuple[NDArray[np.int64], Panel]:
    """The series on the intersection of their timestamps: (timestamps ascending, panel with one row each).

    No series or no common timestamp gives an empty axis. A timestamp that occurs twice in one series is a
    BadSeries with its index. Series that share one array of timestamps are aligned once.
    """
    if not series:
        return np.empty(0, dtype=np.int64), np.empty((0, 0))
    calendars = {id(timestamps): _Calendar(timestamps) for timestamps, _ in series}
    common = reduce(_intersect, (calendar.moments for calendar in calendars.values()))
    places = {key: calendar.places(common) for key, calendar in calendars.items()}
    rows = []
    for timestamps, values in series:
        returns = np.asarray(values, dtype=np.float64)
        if returns.shape != np.shape(timestamps):
            raise BadSeries(None, "timestamps and values differ in number")
        rows.append(returns[places[id(timestamps)]])
    return common, np.stack(rows)


def _intersect(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.intersect1d(left, right, assume_unique=True)


class _Calendar:
    """Timestamps of a series in ascending order, each once, and where they stood."""

    def __init__(self, timestamps: NDArray[np.int64]) -> None:
        moments = np.asarray(timestamps, dtype=np.int64)
        self.order = np.argsort(moments, kind="stable")
        self.moments = moments[self.order]
        again = np.flatnonzero(np.diff(self.moments) == 0)
        if len(again):
            raise BadSeries(int(self.order[again[0] + 1]), "a timestamp occurs twice")

    def places(self, moments: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where these moments, all of the series, stand in it."""
        return self.order[np.searchsorted(self.moments, moments)]
