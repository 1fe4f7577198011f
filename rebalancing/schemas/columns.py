"""Positions read as columns: a look at each column instead of one at each field of each row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from rebalancing.domain.book import Positions

NEEDED = ("world_id", "strategy_id", "symbol", "qty", "mark")
ODD = re.compile(r"[\x00-\x1f]")
MOST_POSITIONS = 200_000
LARGEST, FINEST = 1e15, 1e-15


def columns(rows: Any) -> Positions | None:
    """The columns of positions that are good beyond doubt; None where somebody has to look at each of them."""
    if type(rows) is not list or len(rows) > MOST_POSITIONS or not set(map(type, rows)) <= {dict}:
        return None
    try:
        worlds, strategies, symbols, quantities, marks = ([row[name] for row in rows] for name in NEEDED)
        venues = venues_of(rows)
    except KeyError:
        return None
    if not (are_names(worlds, 128) and are_names(strategies, 128) and are_names(symbols, 64)):
        return None
    if not (are_names(venues, 64, or_none=True) and are_plain(quantities) and are_plain(marks, least=0.0)):
        return None
    return Positions(
        worlds=worlds,
        strategies=strategies,
        symbols=symbols,
        venues=[venue or "" for venue in venues],
        quantities=quantities,
        marks=marks,
    )


def venues_of(rows: Sequence[dict[str, Any]]) -> list[Any]:
    """Of rows that have all that is needed; KeyError where one has something else than a venue beside it."""
    if set(map(len, rows)) == {len(NEEDED) + 1}:
        return [row["venue"] for row in rows]
    if any(len(row) > len(NEEDED) + ("venue" in row) for row in rows):
        raise KeyError
    return [row.get("venue") for row in rows]


def are_names(values: Sequence[Any], longest: int, *, or_none: bool = False) -> bool:
    """Texts as `Name` and `Label` take them; each is looked at once, however often it stands there."""
    try:
        known = set(values)
    except TypeError:  # a list or an object
        return False
    if or_none:
        known.discard(None)
    if not set(map(type, known)) <= {str}:
        return False
    if not known:
        return True
    lengths, text = set(map(len, known)), "".join(known)
    return min(lengths) > 0 and max(lengths) <= longest and (text.isprintable() or not ODD.search(text))


def are_plain(values: Sequence[Any], *, least: float | None = None) -> bool:
    """Numbers of JSON, neither huge nor tiny; above `least` where that is given."""
    if not set(map(type, values)) <= {int, float}:
        return False
    try:
        numbers = np.array(values, dtype=np.float64)
    except OverflowError:
        return False
    sizes = np.abs(numbers)
    plain = ((sizes < LARGEST) & ((sizes >= FINEST) | (sizes == 0))).all()
    return bool(plain and (least is None or (numbers > least).all()))


def columns_of(rows: Sequence[Any]) -> Positions:
    """The columns of positions that were validated one by one."""
    return Positions(
        worlds=[row.world_id for row in rows],
        strategies=[row.strategy_id for row in rows],
        symbols=[row.symbol for row in rows],
        venues=[row.venue or "" for row in rows],
        quantities=[row.qty for row in rows],
        marks=[row.mark for row in rows],
    )
