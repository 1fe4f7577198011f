"""Positions read as columns: a look at each column instead of one at each field of each row."""

from __future__ import annotations

import re
from array import array
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from rebalancing.domain.book import Positions
from rebalancing.domain.names import Names, coded, coded_among

NEEDED = ("world_id", "strategy_id", "symbol", "qty", "mark")
ODD = re.compile(r"[\x00-\x1f]")
MOST_POSITIONS = 200_000
NAME, LABEL = 128, 64
"""Most characters of a world's or a strategy's name, and of a symbol or a venue."""
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
    names = (
        names_of(worlds, NAME),
        names_of(strategies, NAME),
        names_of(symbols, LABEL),
        names_of(venues, LABEL, or_none=True),
    )
    numbers = plain(quantities), plain(marks, least=0.0)
    return None if None in (*names, *numbers) else Positions(*names, *numbers)  # type: ignore[arg-type]


def venues_of(rows: Sequence[dict[str, Any]]) -> list[Any]:
    """Of rows that have all that is needed; KeyError where one has something else than a venue beside it."""
    if set(map(len, rows)) == {len(NEEDED) + 1}:
        return [row["venue"] for row in rows]
    if any(len(row) > len(NEEDED) + ("venue" in row) for row in rows):
        raise KeyError
    return [row.get("venue") for row in rows]


def names_of(values: Sequence[Any], longest: int, *, or_none: bool = False) -> Names | None:
    """Texts as `Name` and `Label` take them; each is looked at once, however often it stands there."""
    try:
        known = set(values)
    except TypeError:  # a list or an object
        return None
    some_have_none = or_none and None in known
    if not are_names(known - {None} if some_have_none else known, longest):
        return None
    return coded([value or "" for value in values]) if some_have_none else coded_among(known, values)


def are_names(known: Collection[Any], longest: int) -> bool:
    if not set(map(type, known)) <= {str}:
        return False
    lengths, text = set(map(len, known)), "".join(known)
    return not known or (
        min(lengths) > 0 and max(lengths) <= longest and (text.isprintable() or not ODD.search(text))
    )


def plain(values: Sequence[Any], *, least: float | None = None) -> array[float] | None:
    """Numbers of JSON, neither huge nor tiny; above `least` where that is given."""
    if not set(map(type, values)) <= {int, float}:
        return None
    try:
        found = array("d", values)
    except OverflowError:
        return None
    numbers = np.asarray(found)
    sizes = np.abs(numbers)
    are_plain = ((sizes < LARGEST) & ((sizes >= FINEST) | (sizes == 0))).all()
    return found if are_plain and (least is None or (numbers > least).all()) else None


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
