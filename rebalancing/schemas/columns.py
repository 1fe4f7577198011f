"""Positions read as columns: a look at each column instead of one at each field of each row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from rebalancing.domain.book import Positions

ORDER = ("world_id", "strategy_id", "symbol", "qty", "mark")
READ, READ_ALL = itemgetter(*ORDER), itemgetter(*ORDER, "venue")
ODD = re.compile(r"[\x00-\x1f]")
MOST_POSITIONS = 200_000
LARGEST, FINEST = 1e15, 1e-15


def columns(rows: Any) -> Positions | None:
    """The columns of positions that are good beyond doubt; None where somebody has to look at each of them."""
    if type(rows) is not list or len(rows) > MOST_POSITIONS or not set(map(type, rows)) <= {dict}:
        return None
    try:
        found, venues = read(rows)
    except KeyError:
        return None
    texts = {*found["world_id"], *found["strategy_id"]} if are_texts(found) else None
    if texts is None or not (are_names(texts, 128) and are_names(set(found["symbol"]), 64)):
        return None
    if not are_venues(venues) or not (are_plain(found["qty"]) and are_plain(found["mark"], least=0.0)):
        return None
    return Positions(
        worlds=found["world_id"],
        strategies=found["strategy_id"],
        symbols=found["symbol"],
        venues=[venue or "" for venue in venues],
        quantities=found["qty"],
        marks=found["mark"],
    )


def read(rows: Sequence[dict[str, Any]]) -> tuple[dict[str, Sequence[Any]], Sequence[Any]]:
    """Columns by name, and the venues; KeyError where a row lacks one of them or has another."""
    sizes = set(map(len, rows))
    if sizes == {len(ORDER) + 1}:  # and then the one that is not needed is the venue
        *needed, venues = zip(*map(READ_ALL, rows), strict=True)
        return dict(zip(ORDER, needed, strict=True)), venues
    if any(len(row) > len(ORDER) + ("venue" in row) for row in rows):
        raise KeyError
    needed = list(zip(*map(READ, rows), strict=True)) or [()] * len(ORDER)
    return dict(zip(ORDER, needed, strict=True)), [row.get("venue") for row in rows]


def are_texts(found: Mapping[str, Sequence[Any]]) -> bool:
    return all(set(map(type, found[name])) <= {str} for name in ("world_id", "strategy_id", "symbol"))


def are_names(names: Iterable[str], longest: int) -> bool:
    known = list(names)
    lengths = list(map(len, known))
    return not known or (min(lengths) > 0 and max(lengths) <= longest and not ODD.search("".join(known)))


def are_venues(venues: Sequence[Any]) -> bool:
    kinds = set(map(type, venues))
    if not kinds <= {str, type(None)}:
        return False
    return are_names({venue for venue in venues if venue is not None}, 64)


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
