"""Measuring many strategies at once: every return-based metric of the catalogue, block by block."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from qmtl.metrics import missing
from qmtl.metrics.catalogue import CATALOGUE
from qmtl.metrics.metric import Metric
from qmtl.metrics.panel import Column, Panel, PanelView, Workspace

CELLS_AT_A_TIME = 1 << 17
"""Returns per row block: its intermediates, of which a dozen live at once, stay in a core's cache."""

ROWS_AT_A_TIME = 1024

KERNEL: tuple[Metric, ...] = tuple(metric for metric in CATALOGUE.values() if metric.compute is not None)
COUNTS = frozenset(metric.dotted for metric in KERNEL if metric.unit == "count")

Figure = float | int | None
Row = dict[str, dict[str, Figure]]


@dataclass(frozen=True)
class MeasuredRow:
    """The figures of one strategy by block and name (None: missing), and the reasons of the missing ones."""

    row: Row
    missing: dict[str, str]


@dataclass(frozen=True)
class Measures:
    """What measure() found: one column per metric by dotted name, NaN where a figure is missing."""

    columns: dict[str, Column]
    panel: Panel = field(repr=False)
    periods_per_year: float
    trials: Column | None = field(default=None, repr=False)
    trial_sharpe_variance: Column | None = field(default=None, repr=False)

    @cached_property
    def _figures(self) -> dict[str, list[float]]:
        return {name: column.tolist() for name, column in self.columns.items()}

    def row(self, i: int) -> Row:
        """The figures of one strategy, {block: {name: figure}}: None where missing, counts as int."""
        row: Row = defaultdict(dict)
        for dotted, figures in self._figures.items():
            block, _, name = dotted.rpartition(".")
            row[block][name] = _plain(figures[i], dotted in COUNTS)
        return dict(row)

    def missing(self, i: int) -> dict[str, str]:
        """Why figures of one strategy are missing, {dotted name: reason in words}."""
        absent = [dotted for dotted, figures in self._figures.items() if math.isnan(figures[i])]
        if not absent:
            return {}
        view = PanelView(
            self.panel[i : i + 1],
            periods_per_year=self.periods_per_year,
            trials=_rows(self.trials, i, i + 1),
            trial_sharpe_variance=_rows(self.trial_sharpe_variance, i, i + 1),
        )
        with np.errstate(all="ignore"):
            return {dotted: _reason(CATALOGUE[dotted], view) for dotted in absent}


def measure(
    panel: Panel,
    *,
    periods_per_year: float = 252,
    risk_free_rate: float = 0.0,
    trials: Column | None = None,
    trial_sharpe_variance: Column | None = None,
    only: Collection[str] | None = None,
) -> Measures:
    """All return-based metrics of strategies of equal length; shape (strategies, periods), oldest first.

    `trials` is the number of trials behind each strategy (None or NaN: 1), `trial_sharpe_variance` the
    variance of their per-period Sharpes (None or NaN: 1/(T-1)). `only` limits the work to some dotted names.
    A row that is no series of returns (NaN, Infinity, below -1) has no figures but its count. Works on
    blocks of rows; a row has the same figures whatever its neighbours.
    """
    returns = np.ascontiguousarray(panel, dtype=np.float64)
    if returns.ndim != 2:
        raise ValueError("the panel must have the shape (strategies, periods)")
    strategies, periods = returns.shape
    number, variance = _per_strategy(trials, strategies), _per_strategy(trial_sharpe_variance, strategies)
    wanted = [metric for metric in KERNEL if only is None or metric.dotted in only]
    columns = {metric.dotted: np.full(strategies, np.nan) for metric in wanted}
    workspace = Workspace()
    for start, stop in _row_blocks(strategies, periods):
        view = PanelView(
            returns[start:stop],
            periods_per_year=periods_per_year,
            risk_free_rate=risk_free_rate,
            trials=_rows(number, start, stop),
            trial_sharpe_variance=_rows(variance, start, stop),
            workspace=workspace,
        )
        _fill(columns, wanted, view, start, stop)
    return Measures(columns, returns, periods_per_year, number, variance)


def measure_many(
    series: Sequence[Column],
    *,
    periods_per_year: float = 252,
    risk_free_rate: float = 0.0,
    trials: Column | None = None,
    trial_sharpe_variance: Column | None = None,
) -> list[MeasuredRow]:
    """measure() for series of any lengths, in their order; `trials` and the variance run along the series."""
    number, variance = _per_strategy(trials, len(series)), _per_strategy(trial_sharpe_variance, len(series))
    by_length: dict[int, list[int]] = defaultdict(list)
    for place, values in enumerate(series):
        by_length[len(values)].append(place)
    rows: dict[int, MeasuredRow] = {}
    for places in by_length.values():
        measures = measure(
            np.stack([np.asarray(series[place], dtype=np.float64) for place in places]),
            periods_per_year=periods_per_year,
            risk_free_rate=risk_free_rate,
            trials=None if number is None else number[places],
            trial_sharpe_variance=None if variance is None else variance[places],
        )
        for i, place in enumerate(places):
            rows[place] = MeasuredRow(measures.row(i), measures.missing(i))
    return [rows[place] for place in range(len(series))]


def _fill(columns: dict[str, Column], wanted: list[Metric], view: PanelView, start: int, stop: int) -> None:
    """Write one row block's figures into the columns; what is not finite becomes NaN, -0.0 becomes 0.0."""
    with np.errstate(all="ignore"):
        for metric in wanted:
            if metric.compute is not None and (view.periods > 0 or metric.dotted == "returns.sample_count"):
                figures = metric.compute(view)
                known = np.isfinite(figures) & (view.valid if metric.dotted not in ALWAYS else True)
                columns[metric.dotted][start:stop] = np.where(known, figures + 0.0, np.nan)


ALWAYS = frozenset({"returns.sample_count"})


def _row_blocks(strategies: int, periods: int) -> Iterable[tuple[int, int]]:
    step = min(max(1, CELLS_AT_A_TIME // max(periods, 1)), ROWS_AT_A_TIME)
    return ((start, min(start + step, strategies)) for start in range(0, strategies, step))


def _per_strategy(values: Column | None, strategies: int) -> Column | None:
    """A number for all, or one per strategy, as a column."""
    if values is None:
        return None
    return np.array(np.broadcast_to(np.asarray(values, dtype=np.float64), (strategies,)))


def _rows(values: Column | None, start: int, stop: int) -> Column | None:
    return None if values is None else values[start:stop]


def _plain(figure: float, is_count: bool) -> Figure:
    if math.isnan(figure):
        return None
    return int(figure) if is_count else figure


def _reason(metric: Metric, view: PanelView) -> str:
    """The first reason that holds for the one strategy in view."""
    if view.periods == 0:
        return missing.NO_RETURNS.words
    whys = (missing.NOT_RETURNS, *metric.whys, missing.OVERFLOW)
    return next(why.words for why in whys if why.holds(view)[0])
