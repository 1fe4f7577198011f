"""Correlations of return records on the points that they have in common.

A pair's figure depends on the pair alone, to the last bit: not on who else is in the panel, who is asked about
in the same call, in which order, or which processor it runs on. Hence sums of products row by row and never
BLAS, whose order of summation follows the shape of the whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qmtl.metrics import Column
from qmtl.metrics.panel import SPREAD_ABSOLUTE, SPREAD_RELATIVE, Mask, row_sum
from qmtl.portfolio.records import Matrix, Rows, length_of, standardised
from worlds.domain.series import Times


@dataclass(frozen=True)
class Panel:
    """Records side by side: `times` UTC milliseconds (T,), increasing; `values` (N, T), NaN where one has no point."""

    times: Times
    values: Matrix


def panel_of(series: Sequence[tuple[Times, Column] | None], *, window_ms: int | None, until_ms: int) -> Panel:
    """The records on the union of their times within the window; None and records without a point there: all NaN.

    Times strictly increasing, one per value (else ValueError). The window (end - window_ms, end] ends at the
    newest time of any record that is not after `until_ms`, not at `until_ms` itself: records that are old
    together can still be compared, and staleness is another rule's affair. `window_ms` None: all until then.
    Records that share an array of times, or have equal ones, are aligned once.
    """
    distinct, calendar_of = _calendars(series)
    ends = [int(times[count - 1]) for times in distinct if (count := _until(times, until_ms))]
    end = max(ends, default=until_ms)
    spans = [
        slice(0 if window_ms is None else _until(times, end - window_ms), _until(times, end))
        for times in distinct
    ]
    inside = [times[span] for times, span in zip(distinct, spans, strict=True)]
    union = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *inside]))
    places = [np.searchsorted(union, times) for times in inside]
    values = np.full((len(series), len(union)), np.nan)
    for row, record in enumerate(series):
        if record is not None:
            calendar = calendar_of[row]
            values[row, places[calendar]] = record[1][spans[calendar]]
    return Panel(union, values)


def _calendars(series: Sequence[tuple[Times, Column] | None]) -> tuple[list[Times], dict[int, int]]:
    """The distinct arrays of times among the records, and by row which of them a record has."""
    distinct: list[Times] = []
    by_content: dict[bytes, int] = {}
    by_identity: dict[int, int] = {}
    calendar_of: dict[int, int] = {}
    for row, record in enumerate(series):
        if record is None:
            continue
        times, values = record
        if len(times) != len(values):
            raise ValueError(f"record {row} has {len(times)} times for {len(values)} values")
        if id(times) not in by_identity:
            number = by_identity[id(times)] = by_content.setdefault(times.tobytes(), len(distinct))
            if number == len(distinct):
                distinct.append(times)
        calendar_of[row] = by_identity[id(times)]
    return distinct, calendar_of


def _until(times: Times, moment: int) -> int:
    """How many of the times are not after the moment."""
    return int(np.searchsorted(times, moment, side="right"))


def same_points(present: Mask) -> list[Rows]:
    """Groups of rows that have their points at the same times, (strategies, periods) -> groups in order of rows."""
    groups: dict[bytes, list[int]] = defaultdict(list)
    for row, key in enumerate(np.packbits(present, axis=1)):
        groups[key.tobytes()].append(row)
    return [np.array(rows, dtype=np.int64) for rows in groups.values()]


class Correlations:
    """Pearson correlations between rows of a panel, over the times at which both have a point.

    NaN below `min_overlap` common points (at least two), and where either record is constant over them.
    """

    def __init__(self, panel: Panel, min_overlap: int) -> None:
        self.values = panel.values
        self.min_overlap = max(min_overlap, 2)
        self._present = ~np.isnan(panel.values)
        self._points = np.count_nonzero(self._present, axis=1)
        self._calendar = np.zeros(len(panel.values), dtype=np.int64)
        # Each row's own points, standardised and moved to the left.
        self._standardised = np.empty_like(panel.values)
        for calendar, rows in enumerate(same_points(self._present)):
            own = self._present[rows[0]]
            self._calendar[rows] = calendar
            self._standardised[rows, : self._points[rows[0]]] = standardised(self._cut(rows, own))

    def against(self, row: int, others: Rows) -> tuple[Column, NDArray[np.int64]]:
        """Correlations of one row with some rows and the numbers of common points, both of shape (len(others),).

        Numbers in -1..1 or NaN. Rows with the very same times cost one sum of products each; others are
        standardised over the intersection first, about ten times as much.
        """
        others = np.asarray(others, dtype=np.int64)
        r = np.full(len(others), np.nan)
        overlap = np.full(len(others), self._points[row])
        alike = self._calendar[others] == self._calendar[row]
        if self._points[row] >= self.min_overlap:
            r[alike] = self._on_own_points(row, others[alike])
        if not alike.all():
            r[~alike], overlap[~alike] = self._on_common_points(row, others[~alike])
        return np.clip(r, -1.0, 1.0), overlap

    def matrix(self, rows: Rows) -> Matrix:
        """Correlations among some rows, (len(rows), len(rows)), symmetric; the same figures as `against` gives."""
        return np.array([self.against(int(row), rows)[0] for row in rows]).reshape(len(rows), len(rows))

    def _cut(self, rows: Rows, points: Mask) -> Matrix:
        return np.ascontiguousarray(self.values[rows] if points.all() else self.values[np.ix_(rows, points)])

    def _on_own_points(self, row: int, others: Rows) -> Column:
        """For rows with the very same times."""
        points = self._points[row]
        products = self._standardised[others, :points]
        products *= self._standardised[row, :points]
        return row_sum(products)

    def _on_common_points(self, row: int, others: Rows) -> tuple[Column, NDArray[np.int64]]:
        """For rows with other times: the intersections one behind the other, as segments of two long columns."""
        common = self._present[others] & self._present[row]
        overlap = np.count_nonzero(common, axis=1)
        r = np.full(len(others), np.nan)
        enough = np.flatnonzero(overlap >= self.min_overlap)
        if len(enough):
            pair, point = np.nonzero(common[enough])
            left, right = self.values[row, point], self.values[others[enough][pair], point]
            r[enough] = _segment_correlations(left, right, overlap[enough])
        return r, overlap


def _segment_correlations(left: Column, right: Column, lengths: NDArray[np.int64]) -> Column:
    """Correlation of the two columns within each segment of the given length."""
    starts = np.cumsum(lengths) - lengths
    with np.errstate(all="ignore"):
        products = _segment_standardised(left, starts, lengths) * _segment_standardised(
            right, starts, lengths
        )
        return np.asarray(np.add.reduceat(products, starts))


def _segment_standardised(values: Column, starts: Rows, lengths: NDArray[np.int64]) -> Column:
    """`standardised` for segments of one long column in place of rows."""
    low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    size = np.maximum(np.abs(low), np.abs(high))
    constant = high - low <= SPREAD_RELATIVE * size + SPREAD_ABSOLUTE
    mean = np.add.reduceat(values, starts) / lengths
    deviations = values - np.repeat(mean, lengths)
    length = length_of(np.add.reduceat(deviations * deviations, starts), constant)
    return np.asarray(deviations / np.repeat(length, lengths))
