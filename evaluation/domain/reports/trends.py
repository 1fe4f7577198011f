"""Where a live record is heading: its last 30 days against its last 90, held against what chance alone does."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

import numpy as np

from evaluation.domain.live import LiveWindow
from evaluation.domain.record import Record

RECENT, LONGER = "30d", "90d"
CURVE_POINTS = 31
DIRECTIONS = ("falling", "steady", "rising", "unknown")


def trends_of(windows: Mapping[str, LiveWindow], periods_per_year: float) -> dict[str, dict[str, Any]]:
    """`{sharpe: {recent, longer, change, standard_error, direction}, volatility: ...}`.

    `rising` and `falling` are changes of more than one standard error (Lo 2002, for returns that are independent);
    the 30 days are part of the 90, so that the variance of the difference is that of 30 less that of 90 days.
    `unknown`: a figure is missing, or the record is not longer than the recent window.
    """
    recent, longer = windows.get(RECENT), windows.get(LONGER)
    return {
        "sharpe": trend_of(recent, longer, "sharpe", periods_per_year),
        "volatility": trend_of(recent, longer, "volatility", periods_per_year),
    }


def trend_of(
    recent: LiveWindow | None, longer: LiveWindow | None, name: str, periods_per_year: float
) -> dict[str, Any]:
    short = None if recent is None else recent.figures[name]
    long = None if longer is None else longer.figures[name]
    trend = {"recent": short, "longer": long, "change": None, "standard_error": None, "direction": "unknown"}
    if recent is None or longer is None or short is None or long is None or recent.points >= longer.points:
        return trend
    per_point = 1.0 / recent.points - 1.0 / longer.points
    variance = periods_per_year + long * long / 2.0 if name == "sharpe" else long * long / 2.0
    error, change = sqrt(variance * per_point), short - long
    direction = "rising" if change > error else "falling" if change < -error else "steady"
    return {**trend, "change": change, "standard_error": error, "direction": direction}


def curve_of(record: Record | None) -> list[float]:
    """What became of one unit over the last 90 days of the record, in at most 31 values, the first one 1.

    Empty where there is nothing to draw, or where the wealth is beyond what a number holds.
    """
    tail = np.empty(0) if record is None else record.last_days(90)
    if not tail.size:
        return []
    with np.errstate(over="ignore"):
        wealth = np.concatenate(([1.0], np.cumprod(1.0 + tail)))
    if not np.isfinite(wealth).all():
        return []
    chosen = np.unique(
        np.linspace(0, wealth.size - 1, min(CURVE_POINTS, wealth.size)).round().astype(np.int64)
    )
    values: list[float] = wealth[chosen].tolist()
    return values
