"""What compute functions give, as rows of numbers. What nothing can be done with is told in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qmtl.sdk.book import LARGEST_WEIGHT
from qmtl.sdk.errors import StrategyError

Floats = NDArray[np.float64]

OUTPUTS = ("weights", "signals", "returns")
"""Names of the node that says what is to be done: weights of equity per symbol, signals that are spread evenly, or the
returns that the strategy has worked out by itself. All other nodes are steps in between, in which NaN may stand."""
WANTED = "give a number for each symbol, {symbol: number}, or None for nothing new"
NUMBERS = "biuf"
LONGEST = 60


def row_of(name: str, result: Any, symbols: tuple[str, ...], width: int | None) -> Floats | None:
    """What the node of that name gave, as a row of its own. StrategyError for what nothing can be done with.

    width: how many values it gave before.
    """
    if result is None:
        return None
    row = of_mapping(result, symbols) if isinstance(result, Mapping) else of_values(result)
    if name in OUTPUTS:
        check_output(name, row, symbols)
    if width is not None and row.shape[0] != width:
        raise StrategyError(f"it gives {row.shape[0]} values, and gave {width} before")
    return row


def of_mapping(result: Mapping[Any, Any], symbols: tuple[str, ...]) -> Floats:
    unknown = [name for name in result if name not in symbols]
    if unknown:
        raise StrategyError(f"it names {unknown[0]!r}, which is not among the symbols")
    return np.array([number_of(result.get(symbol, 0.0), symbol) for symbol in symbols])


def number_of(value: Any, symbol: str) -> float:
    try:
        if not isinstance(value, str | bytes):
            return float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise StrategyError(f"it gives {described(value)} for {symbol}; give a number")


def of_values(result: Any) -> Floats:
    """A number or one per symbol; a copy, which the author may not change any more."""
    try:
        found = np.asarray(result)
        if found.dtype.kind == "O":  # decimals, or what is no number at all
            found = found if None in found.ravel().tolist() else np.asarray(result, dtype=np.float64)
    except (TypeError, ValueError):
        found = np.empty(0, dtype=object)
    if found.dtype.kind not in NUMBERS:
        raise StrategyError(f"it gives {described(result)}; {WANTED}")
    if found.ndim > 1:
        raise StrategyError(f"it gives an array of the shape {found.shape}; {WANTED}")
    return np.array(found, dtype=np.float64, ndmin=1)


def check_output(name: str, row: Floats, symbols: tuple[str, ...]) -> None:
    if name == "returns":
        if len(row) != 1:
            raise StrategyError(f"it gives {len(row)} returns; give the one of the whole strategy, or None")
        value = float(row[0])
        if not value >= -1.0 or value == math.inf:
            raise StrategyError(f"it gives the return {value:g}; give a fraction, -1 or more, or None")
        return
    if len(row) != len(symbols):
        raise StrategyError(
            f"it gives {counted(len(row), name)} for {counted(len(symbols), 'symbols')}; {WANTED}"
        )
    if not np.isfinite(row).all():
        place = int(np.argmax(~np.isfinite(row)))
        raise StrategyError(
            f"it gives {row[place]} for {symbols[place]}; give a finite number, or None for nothing new"
        )
    if name == "weights" and np.abs(row).max(initial=0.0) > LARGEST_WEIGHT:
        place = int(np.argmax(np.abs(row)))
        raise StrategyError(
            f"it gives the weight {row[place]:g} for {symbols[place]}, which is no fraction of the equity"
        )


def counted(number: int, what: str) -> str:
    return f"{number} {what if number != 1 else what.removesuffix('s')}"


def described(value: Any) -> str:
    """A value in words, for whoever did not mean it."""
    if hasattr(value, "__next__"):
        return f"a {type(value).__name__}, not its values (a `yield` makes one; `return` them)"
    if hasattr(value, "__await__"):
        return "something to be awaited (`async def` makes it; write `def`)"
    try:
        text = repr(value)
    except Exception:
        text = "something"
    return f"{text if len(text) <= LONGEST else text[: LONGEST - 3] + '...'} ({type(value).__name__})"
