"""What a runner posts of a strategy's performance, checked record by record and put into columns.

A record is `{ts, return}` or `{ts, pnl, equity}` (equity after the period, so return = pnl / (equity - pnl)),
or all of them where they agree; `trades` is what was done in the period.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, Strict

from strategies.domain.performance import NO_COUNT, Floats, Integers, Records
from worlds.domain.series import EARLIEST, FiniteNumber, iso

CLOCK_SKEW = timedelta(days=1)
MOST_TRADES = 1_000_000_000
AGREEMENT = 1e-6  # of a return with its own pnl and equity: they may have been rounded


class RecordRefused(ValueError):
    """A record that cannot be used: its place in the batch, the field, and what is wrong there."""

    def __init__(self, place: int, field: str, reason: str) -> None:
        super().__init__(reason)
        self.place = place
        self.field = field
        self.reason = reason


class PerformanceRecord(BaseModel):
    """`{ts, return}` or `{ts, pnl, equity}`, with `trades` where they are counted."""

    model_config = ConfigDict(extra="forbid")

    ts: Annotated[str, Strict()] = Field(description="End of the period, RFC 3339 with its zone.")
    return_: FiniteNumber | None = Field(default=None, alias="return", ge=-1)
    pnl: FiniteNumber | None = None
    equity: FiniteNumber | None = Field(default=None, ge=0, description="After the period.")
    trades: Annotated[int, Strict()] | None = Field(
        default=None, ge=0, le=MOST_TRADES, description="Trades of the period."
    )


@dataclass(frozen=True, eq=False)
class Report:
    """Checked records by time, each time once. `places`: where each stood in the batch; `repeated`: how many
    more said the same again."""

    records: Records
    places: NDArray[np.intp]
    repeated: int


def read_report(posted: Sequence[PerformanceRecord], *, now: datetime) -> Report:
    """Columns of a batch in any order. RecordRefused at the first record that cannot be used."""
    times = read_times(posted, latest=now + CLOCK_SKEW)
    pnl = optional([record.pnl for record in posted])
    equity = optional([record.equity for record in posted])
    returns = read_returns(optional([record.return_ for record in posted]), pnl, equity)
    trades = [NO_COUNT if record.trades is None else record.trades for record in posted]
    return by_time(Records(times, returns, pnl, equity, np.array(trades, dtype=np.int64)))


def read_times(posted: Sequence[PerformanceRecord], *, latest: datetime) -> Integers:
    return np.array([read_time(place, r.ts, latest) for place, r in enumerate(posted)], dtype=np.int64)


def read_time(place: int, text: str, latest: datetime) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RecordRefused(place, "ts", f"{text[:40]!r} is not an RFC 3339 time") from None
    if moment.tzinfo is None:
        raise RecordRefused(place, "ts", f"{text[:40]!r} has no zone; write {text[:40]}Z for UTC")
    if moment < EARLIEST:
        raise RecordRefused(place, "ts", f"{text[:40]!r} is before 1900")
    if moment > latest:
        raise RecordRefused(place, "ts", f"{text[:40]!r} is in the future")
    return round(moment.timestamp() * 1000)


def optional(values: Sequence[float | None]) -> Floats:
    return np.array(values, dtype=np.float64)


def read_returns(given: Floats, pnl: Floats, equity: Floats) -> Floats:
    """The given return, else that of pnl and equity; refused where they do not agree or both are missing."""
    has_return, has_pnl, has_equity = (~np.isnan(column) for column in (given, pnl, equity))
    refuse(has_pnl & ~has_equity, "equity", "pnl needs the equity after the period")
    refuse(has_equity & ~has_pnl, "pnl", "equity needs the pnl of the period")
    refuse(~has_return & ~has_pnl, "return", "give return, or pnl and equity")
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        before = equity - pnl
        refuse(
            has_pnl & ~(before > 0), "equity", "equity - pnl, the equity before the period, is not above 0"
        )
        refuse(
            has_pnl & ~np.isfinite(before), "pnl", "equity - pnl, the equity before the period, is not finite"
        )
        earned = pnl / before
        agrees = np.isclose(given, earned, rtol=AGREEMENT, atol=AGREEMENT)
    refuse(has_return & has_pnl & ~agrees, "return", "return is not pnl / (equity - pnl)")
    return np.where(has_return, given, earned)


def refuse(is_bad: NDArray[np.bool_], field: str, reason: str) -> None:
    if is_bad.any():
        raise RecordRefused(int(np.argmax(is_bad)), field, reason)


def by_time(records: Records) -> Report:
    """In order of time, each time once; refused where two records of one time differ."""
    places = np.argsort(records.times, kind="stable")
    ordered = records.at(places)
    repeats = np.concatenate(([False], ordered.times[1:] == ordered.times[:-1]))
    same_as_before = np.concatenate(([False], ordered.at(slice(1, None)).are_as(ordered.at(slice(-1)))))
    differs = repeats & ~same_as_before
    if differs.any():
        place = int(places[differs].min())
        raise RecordRefused(
            place, "ts", f"{iso(int(records.times[place]))} is in the batch with another value too"
        )
    return Report(ordered.at(~repeats), places[~repeats], int(repeats.sum()))
