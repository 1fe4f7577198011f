"""What live strategies made over their last days, and how much of their backtests' Sharpe is left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np

from evaluation.domain.record import Record, WorldTerms
from qmtl.metrics import Column, measure

WINDOWS = (30, 60, 90)
FIGURES = ("sharpe", "max_drawdown", "volatility", "es_p05")
LEAST_POINTS = 2
DAYS_PER_YEAR = 365.25
LEAST_SHARE = 0.5
"""Of the periods that a window should have: with fewer of them it is not covered."""


@dataclass(frozen=True)
class LiveWindow:
    """The last `days` days of a live record, its newest point included.

    `figures`: sharpe, max_drawdown, volatility, es_p05 and decay; None where it is not known, with the reason by
    its name in `missing`. `shortfall`: why the record does not cover the window, None where it does.
    """

    days: int
    points: int
    expected_points: int
    first: int | None
    """UTC milliseconds, as `last`."""
    last: int | None
    figures: Mapping[str, float | None]
    missing: Mapping[str, str]
    shortfall: str | None


def live_figures(record: Record, terms: WorldTerms) -> dict[str, dict[str, float | None]]:
    """`{30d: {sharpe, max_drawdown, volatility, es_p05, decay}, ...}`; None where it is not known.

    `decay` = live Sharpe / backtest Sharpe, None where the backtest's is not positive.
    """
    (windows,) = live_windows([record], terms)
    return {name: dict(window.figures) for name, window in windows.items()}


def live_windows(records: Sequence[Record], terms: WorldTerms) -> list[dict[str, LiveWindow]]:
    """`{30d: ..., 60d: ..., 90d: ...}` of each record; tails of one length are measured together.

    The backtest's Sharpe is the record's `told["backtest_sharpe"]`.
    """
    tails = {(i, days): record.last_days(days) for i, record in enumerate(records) for days in WINDOWS}
    measured = dict(measured_tails(tails, terms))
    return [
        {
            f"{days}d": with_decay(
                window_of(record, days, terms, tails[i, days], *measured.get((i, days), UNKNOWN)), record
            )
            for days in WINDOWS
        }
        for i, record in enumerate(records)
    ]


Key = tuple[int, int]
Measured = tuple[dict[str, float | None], dict[str, str]]
UNKNOWN: Measured = (
    dict.fromkeys(FIGURES),
    dict.fromkeys(FIGURES, f"needs at least {LEAST_POINTS} points"),
)


def measured_tails(tails: Mapping[Key, Column], terms: WorldTerms) -> Iterator[tuple[Key, Measured]]:
    by_length: dict[int, list[Key]] = defaultdict(list)
    for key, tail in tails.items():
        if tail.size >= LEAST_POINTS:
            by_length[tail.size].append(key)
    for keys in by_length.values():
        found = measure(
            np.stack([tails[key] for key in keys]),
            periods_per_year=terms.periods_per_year,
            risk_free_rate=terms.risk_free_rate,
            only={f"returns.{name}" for name in FIGURES},
        )
        for row, key in enumerate(keys):
            yield key, (found.row(row)["returns"], plain_names(found.missing(row)))


def plain_names(reasons: Mapping[str, str]) -> dict[str, str]:
    return {dotted.rpartition(".")[2]: reason for dotted, reason in reasons.items()}


def window_of(
    record: Record,
    days: int,
    terms: WorldTerms,
    tail: Column,
    figures: Mapping[str, float | None],
    missing: Mapping[str, str],
) -> LiveWindow:
    times = record.times if record.times is not None and tail.size else None
    expected = max(LEAST_POINTS, round(days * terms.periods_per_year / DAYS_PER_YEAR))
    return LiveWindow(
        days=days,
        points=int(tail.size),
        expected_points=expected,
        first=None if times is None else int(times[-tail.size]),
        last=None if times is None else int(times[-1]),
        figures=figures,
        missing=missing,
        shortfall=shortfall(record, days, int(tail.size), expected),
    )


def shortfall(record: Record, days: int, points: int, expected: int) -> str | None:
    """Why the record does not cover the window: it does not reach back so far, or has too few points in it."""
    if not points:
        return "it has no points"
    if not record.reaches_back(days):
        return f"the record spans {record.span_days:.0f} of {days} days"
    if points < LEAST_SHARE * expected:
        return f"it has {points} of about {expected} points"
    return None


def with_decay(window: LiveWindow, record: Record) -> LiveWindow:
    live, backtest = window.figures["sharpe"], record.told.get("backtest_sharpe")
    value = decay(live, backtest)
    figures = {**window.figures, "decay": value}
    if value is not None:
        return replace(window, figures=figures)
    return replace(window, figures=figures, missing={**window.missing, "decay": no_decay(live, backtest)})


def decay(live: float | None, backtest: Any) -> float | None:
    if live is None or backtest is None or backtest <= 0:
        return None
    share = live / float(backtest)
    return share if isfinite(share) else None


def no_decay(live: float | None, backtest: Any) -> str:
    if backtest is None:
        return "no backtest with a Sharpe is known"
    if backtest <= 0:
        return "the backtest's Sharpe is not above 0"
    return "the live Sharpe is missing" if live is None else "it is not a finite number"
