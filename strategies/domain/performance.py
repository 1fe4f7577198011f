"""Records of a strategy's performance as columns: one array each, by time; and how new ones join old ones."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

NO_COUNT = -1  # in `trades`, where a record said nothing of them


@dataclass(frozen=True, eq=False)
class Records:
    """Columns of equal length. pnl and equity are NaN, trades NO_COUNT, where they were not given."""

    times: Integers
    """UTC milliseconds, strictly increasing."""
    returns: Floats
    pnl: Floats
    equity: Floats
    trades: Integers

    def __len__(self) -> int:
        return self.times.size

    def columns(self) -> tuple[NDArray[Any], ...]:
        return tuple(getattr(self, name) for name in COLUMNS)

    def at(self, index: slice | NDArray[np.bool_] | NDArray[np.intp]) -> Records:
        return Records(*(column[index] for column in self.columns()))

    def are_as(self, other: Records) -> NDArray[np.bool_]:
        """Which records say the same, one by one; not given is the same as not given."""
        same = np.ones(len(self), dtype=bool)
        for mine, theirs in zip(self.columns(), other.columns(), strict=True):
            both_missing = (mine != mine) & (theirs != theirs)  # NaN alone differs from itself
            same &= (mine == theirs) | both_missing
        return same


COLUMNS = tuple(field.name for field in fields(Records))


@dataclass(frozen=True, eq=False)
class Joined:
    """`records`: old and new by time; `is_new`: which of the new ones were not there; `conflicts`: places of new
    ones whose time is taken by another value."""

    records: Records
    is_new: NDArray[np.bool_]
    conflicts: NDArray[np.intp]


def join(old: Records, new: Records) -> Joined:
    """Put new records among old ones; an old one is never replaced."""
    places = np.searchsorted(old.times, new.times)
    within = np.minimum(places, len(old) - 1)
    is_known = old.times[within] == new.times if len(old) else np.zeros(len(new), dtype=bool)
    differs = np.zeros(len(new), dtype=bool)
    differs[is_known] = ~new.at(is_known).are_as(old.at(within[is_known]))
    fresh = new.at(~is_known)
    records = Records(
        *(
            np.insert(before, places[~is_known], after)
            for before, after in zip(old.columns(), fresh.columns(), strict=True)
        )
    )
    return Joined(records, ~is_known, np.flatnonzero(differs))


def years_of(times: Integers) -> Integers:
    """Calendar year, in UTC, of each time."""
    return times.astype("datetime64[ms]").astype("datetime64[Y]").astype(np.int64) + 1970


def total_trades(trades: Integers) -> int | None:
    """Sum of what was reported; None when nothing was."""
    given = trades[trades != NO_COUNT]
    return int(given.sum()) if given.size else None
