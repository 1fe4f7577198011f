"""What may enter the kernel: series of returns, checked, with the index of the first bad point."""

from __future__ import annotations

from numbers import Real

import numpy as np
from numpy.typing import ArrayLike

from qmtl.metrics.panel import Column, Mask


class BadSeries(ValueError):
    """A series that cannot be measured: `index` of the first bad point (None: the whole) and `reason`."""

    def __init__(self, index: int | None, reason: str) -> None:
        self.index = index
        self.reason = reason
        super().__init__(reason if index is None else f"{reason} at index {index}")

    def __reduce__(self) -> tuple[type[BadSeries], tuple[int | None, str]]:
        return type(self), (self.index, self.reason)


def check_returns(values: ArrayLike, *, name: str = "returns") -> Column:
    """The values as a series of simple net returns, shape (periods,); BadSeries where they are not one.

    Refused: NaN, Infinity, a return below -1, fewer than two points. Exactly -1 is a total loss and allowed.
    """
    series = _numbers(values, name)
    if len(series) < 2:
        raise BadSeries(None, f"{name} is empty" if len(series) == 0 else f"{name} has fewer than 2 points")
    _refuse_first(~np.isfinite(series), series, f"{name} is not a finite number")
    _refuse_first(series < -1.0, series, f"{name} is below -1")
    return series


def returns_from_equity(equity: ArrayLike, starting_capital: float | None = None) -> Column:
    """Simple net returns of an equity series E_1..E_T.

    T returns with a starting capital E_0; without one the first value is E_0 and there are T-1. Equity that
    has reached 0 must stay there; the returns from then on are 0.
    """
    series = _numbers(equity, "equity")
    if starting_capital is not None:
        if not (np.isfinite(starting_capital) and starting_capital > 0):
            raise BadSeries(None, "starting capital is not a positive number")
        series = np.concatenate(([starting_capital], series))
    offset = 0 if starting_capital is None else 1
    _check_equity(series, offset)
    before, after = series[:-1], series[1:]
    with np.errstate(all="ignore"):
        returns = np.where(before > 0, after / before - 1.0, 0.0)
    _refuse_first(~np.isfinite(returns), returns, "equity grows beyond what a number holds", 1 - offset)
    return returns


def _check_equity(series: Column, offset: int) -> None:
    """BadSeries unless these are equities with a positive start and at least two returns."""
    _refuse_first(~np.isfinite(series), series, "equity is not a finite number", -offset)
    _refuse_first(series < 0, series, "equity is negative", -offset)
    if len(series) < 3:
        raise BadSeries(None, "equity gives fewer than 2 returns")
    if series[0] == 0:
        raise BadSeries(0, "equity does not start above 0")
    risen = (series[:-1] == 0) & (series[1:] > 0)
    _refuse_first(risen, series[1:], "equity rises again after a total loss", 1 - offset)


def _numbers(values: ArrayLike, name: str) -> Column:
    """The values as float64 of one dimension; text, booleans and nested lists are refused."""
    try:
        raw = np.asarray(values)
        if raw.dtype.kind == "O":
            _refuse_first(np.array([not _is_number(each) for each in raw]), raw, f"{name} is not a number")
        elif raw.dtype.kind not in "fiu":
            raise BadSeries(None, f"{name} is not a series of numbers")
        series = raw.astype(np.float64)
    except BadSeries:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        raise BadSeries(None, f"{name} is not a series of numbers") from error
    if series.ndim != 1:
        raise BadSeries(None, f"{name} is not a series of numbers in one dimension")
    return series


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _refuse_first(bad: Mask, values: np.ndarray, reason: str, shift: int = 0) -> None:
    """BadSeries for the first marked point; an index before the series itself is None."""
    if bad.any():
        first = int(bad.argmax())
        index = first + shift
        raise BadSeries(index if index >= 0 else None, f"{reason}: {values[first]}")
