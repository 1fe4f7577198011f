"""Positions read as columns: a look at each column instead of one at each field of each row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from rebalancing.domain.book import Positions

ORDER = ("world_id", "strategy_id", "symbol", "qty", "mark")
READ = itemgetter(*ORDER)
NEEDED = frozenset(ORDER)
KNOWN = NEEDED | {"venue"}
ODD = re.compile(r"[\x00-\x1f]")
MOST_POSITIONS = 200_000
LARGEST, FINEST = 1e15, 1e-15


def columns(rows: Any) -> Positions | None:
    """The columns of positions that are good beyond doubt; None where somebody has to look at each of them."""
    if not isinstance(rows, list) or len(rows) > MOST_POSITIONS or not all(type(row) is dict for row in rows):
        return None
    if not all(NEEDED <= set(names) <= KNOWN for names in set(map(tuple, rows))):
        return None
    found = (
        dict(zip(ORDER, zip(*map(READ, rows), strict=True), strict=True))
        if rows
        else dict.fromkeys(ORDER, ())
    )
    venues = [row.get("venue") for row in rows]
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


def are_texts(found: Mapping[str, Sequence[Any]]) -> bool:
    return all(
        {type(value) for value in found[name]} <= {str} for name in ("world_id", "strategy_id", "symbol")
    )


def are_names(names: Iterable[str], longest: int) -> bool:
    return all(0 < len(name) <= longest and not ODD.search(name) for name in names)


def are_venues(venues: Sequence[Any]) -> bool:
    kinds = {type(venue) for venue in venues}
    if not kinds <= {str, type(None)}:
        return False
    return are_names({venue for venue in venues if venue is not None}, 64)


def are_plain(values: Sequence[Any], *, least: float | None = None) -> bool:
    """Numbers of JSON, neither huge nor tiny; above `least` where that is given."""
    if not {type(value) for value in values} <= {int, float}:
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
