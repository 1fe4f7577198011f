"""The few array tools that the demo's strategies share. All look back only: row t uses rows up to t.

Shapes are (days, assets) in and out unless said; rows without enough history are NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from qmtl_site.demo.prices import Prices

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
EPOCH = np.datetime64("1970-01-01", "D")


def past(values: Floats, days: int) -> Floats:
    """The values of `days` rows ago."""
    return _after_warm_up(values[: len(values) - days], days)


def growth(close: Floats, days: int) -> Floats:
    """Simple return over the last `days` days."""
    return close / past(close, days) - 1.0


def rolling_mean(values: Floats, days: int) -> Floats:
    """Mean of the last `days` rows, this one included."""
    return _after_warm_up(_windows(values, days).mean(axis=-1), days - 1)


def rolling_std(values: Floats, days: int) -> Floats:
    """Standard deviation (ddof=1) of the last `days` rows, this one included; NaN where one of them is."""
    mean, mean_square = rolling_mean(values, days), rolling_mean(values**2, days)
    return np.sqrt(np.maximum(mean_square - mean**2, 0.0) * days / (days - 1))


def rolling_max(values: Floats, days: int) -> Floats:
    """Highest of the last `days` rows, this one included."""
    return _after_warm_up(_windows(values, days).max(axis=-1), days - 1)


def rolling_min(values: Floats, days: int) -> Floats:
    """Lowest of the last `days` rows, this one included."""
    return -rolling_max(-values, days)


def in_position(enter: Flags, leave: Flags) -> Flags:
    """True from the day on which `enter` holds until the day on which `leave` does; leaving wins."""
    rows = np.arange(len(enter))[:, np.newaxis]
    entered = np.maximum.accumulate(np.where(enter & ~leave, rows, -1), axis=0)
    left = np.maximum.accumulate(np.where(leave, rows, -1), axis=0)
    return entered > left


def highest(score: Floats, count: int) -> Flags:
    """The `count` assets with the highest score of each day; ties go to the first column, NaN to none."""
    order = np.argsort(-score, axis=1, kind="stable")
    chosen = np.zeros(score.shape, dtype=np.bool_)
    np.put_along_axis(chosen, order[:, :count], True, axis=1)
    return chosen & ~np.isnan(score)


def equal_weight(chosen: Flags) -> Floats:
    """One, shared equally among the chosen of each day; a day without any stays in cash."""
    shares: Floats = chosen / np.maximum(chosen.sum(axis=1, keepdims=True), 1)
    return shares


def month_starts(prices: Prices) -> Flags:
    """The first trading day of each month; shape (days,)."""
    month = prices.calendar.astype("datetime64[M]")
    return np.concatenate([[True], month[1:] != month[:-1]])


def every(prices: Prices, days: int) -> Flags:
    """The first trading day of each block of `days` business days since 1970; shape (days,)."""
    block = np.busday_count(EPOCH, prices.calendar) // days
    return np.concatenate([[True], block[1:] != block[:-1]])


def on_changes(wanted: Floats | Flags, weights: Floats) -> Floats:
    """Trade when what is wanted differs from the day before, let the holdings drift otherwise."""
    changes = (wanted[1:] != wanted[:-1]).any(axis=1)
    return only_on(np.concatenate([[True], changes]), weights)


def only_on(days: Flags, weights: Floats) -> Floats:
    """Trade on those days, let the holdings drift on all others."""
    return np.where(days[:, np.newaxis], weights, np.nan)


def _windows(values: Floats, days: int) -> Floats:
    return sliding_window_view(values, days, axis=0)


def _after_warm_up(values: Floats, missing: int) -> Floats:
    return np.concatenate([np.full((missing, *values.shape[1:]), np.nan), values])
