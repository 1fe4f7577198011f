"""Figures by their name in the language of gates and scores, over many runs at once.

A column has one value per run, NaN where the run does not have the figure: nothing is invented.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from evaluation.domain.record import DAY_MS, Record, WorldTerms
from evaluation.domain.simulation import equity_of, pnl_of
from qmtl.metrics import CATALOGUE, Column, measure
from worlds.domain.expression import MetricName
from worlds.domain.series import MILLISECONDS

MONDAY_MS = 4 * DAY_MS  # 1970-01-05, so that weeks begin on Monday


class Columns:
    """`records[i]` and `figures[i]` (by dotted name) of run i; a None among them has no figure at all."""

    def __init__(
        self,
        records: Sequence[Record | None],
        figures: Sequence[Mapping[str, float | None] | None],
        terms: WorldTerms,
    ) -> None:
        self.records = records
        self.figures = figures
        self.terms = terms
        self._found: dict[MetricName, Column] = {}

    def __call__(self, name: MetricName) -> Column:
        """The figure that the name stands for, shape (runs,)."""
        if name not in self._found:
            self._found[name] = self._column(name)
        return self._found[name]

    def figure(self, dotted: str) -> Column:
        """A figure by its dotted name, shape (runs,)."""
        values = [None if figures is None else figures.get(dotted) for figures in self.figures]
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)

    def _column(self, name: MetricName) -> Column:
        match name.kind:
            case "metric":
                return self.figure(name.metric)
            case "benchmark":
                return self.figure(f"benchmark.{name.metric}")
            case "stress":
                return self.figure(f"stress.{name.scenario}.{name.metric}")
            case "live":
                return self.figure(f"live.{name.days}d.{name.metric}")
            case "rank" | "pct_rank":
                assert name.base is not None
                ranks = ranked(self(name.base), higher_is_better=is_higher_better(name.base))
                known = np.count_nonzero(~np.isnan(ranks))
                return ranks if name.kind == "rank" else ranks / float(max(int(known), 1))
            case "window":
                return self._window(name.metric, name.days or 0)
            case _:
                return np.array([self._of_record(name, record) for record in self.records], dtype=np.float64)

    def _of_record(self, name: MetricName, record: Record | None) -> float:
        if record is None:
            return np.nan
        if name.kind == "extra":
            value = (record.meta.get("extra_metrics") or {}).get(name.metric)
            return np.nan if value is None else float(value)
        if name.kind == "worst":
            return worst_return(name.metric, record)
        return daily_pnl(name.metric, record, self.terms)

    def _window(self, dotted: str, days: int) -> Column:
        """A return-based metric over the last N days of each record; records of one length are measured together."""
        column = np.full(len(self.records), np.nan)
        by_length: dict[int, list[int]] = defaultdict(list)
        tails: dict[int, Column] = {}
        for i, record in enumerate(self.records):
            if record is not None and (tail := last_days(record, days)) is not None:
                tails[i] = tail
                by_length[tail.size].append(i)
        for rows in by_length.values():
            found = measure(
                np.stack([tails[i] for i in rows]),
                periods_per_year=self.terms.periods_per_year,
                risk_free_rate=self.terms.risk_free_rate,
                only={dotted},
            ).columns.get(dotted)
            if found is not None:
                column[rows] = found
        return column


def is_higher_better(name: MetricName) -> bool:
    metric = CATALOGUE.get(name.metric)
    return metric is None or metric.direction != "lower"


def ranked(column: Column, *, higher_is_better: bool) -> Column:
    """Competition ranks, 1 is best, equal values share the better one; NaN where the figure is missing."""
    known = ~np.isnan(column)
    values = -column[known] if higher_is_better else column[known]
    ranks = np.full(column.shape, np.nan)
    ranks[known] = np.searchsorted(np.sort(values), values, side="left") + 1
    return ranks


def last_days(record: Record, days: int) -> Column | None:
    """The returns of the last N days; None when the record does not reach back so far."""
    if record.times is None or record.returns is None or record.times.size < 2:
        return None
    if not record.reaches_back(days):
        return None
    tail = record.last_days(days)
    return tail if tail.size >= 2 else None


def worst_return(interval: str, record: Record) -> float:
    """The worst return of an interval on the clock; missing when the record is coarser than the interval."""
    if record.times is None or record.returns is None or record.times.size < 2:
        return np.nan
    match = re.fullmatch(r"(\d+)([smhdw])", interval)
    assert match is not None  # the language takes nothing else
    length = int(match[1]) * MILLISECONDS[match[2]]
    if length < np.median(np.diff(record.times)):
        return np.nan
    offset = MONDAY_MS if match[2] == "w" else 0
    begins = np.flatnonzero(np.diff((record.times - offset) // length, prepend=np.int64(-(2**62))))
    return float(np.multiply.reduceat(1.0 + record.returns, begins).min() - 1.0)


def daily_pnl(which: str, record: Record, terms: WorldTerms) -> float:
    """Mean or least profit and loss of a UTC day, in currency."""
    if record.returns is None or record.times is None:
        return np.nan
    equity, capital = equity_of(record, terms)
    pnl = pnl_of(equity, capital)
    _, place = np.unique(record.times // DAY_MS, return_inverse=True)
    days = np.bincount(place, weights=pnl)
    return float(days.mean() if which == "pnl_daily_mean" else days.min())
