"""Time series as callers post them: values with their times, checked point by point.

Times are kept as UTC milliseconds (int64), strictly increasing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, Strict

MAX_POINTS = 1_000_000
MILLISECONDS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)

Times = NDArray[np.int64]
FiniteNumber = Annotated[float, Strict(), Field(allow_inf_nan=False)]


class SeriesRefused(ValueError):
    """A series that cannot be used: `path` inside the series object and what is wrong there."""

    def __init__(self, path: tuple[str | int, ...], reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason


class SeriesInput(BaseModel):
    """Values with `timestamps[]`, or with `start` + `interval` + `calendar`."""

    model_config = ConfigDict(extra="forbid")

    # The first bad point is told, not a million of them.
    values: list[FiniteNumber] = Field(min_length=1, max_length=MAX_POINTS, fail_fast=True)
    timestamps: Annotated[list[str], Field(fail_fast=True)] | None = Field(
        default=None, max_length=MAX_POINTS, description="RFC 3339, increasing."
    )
    start: str | None = Field(default=None, description="Time of the first value, RFC 3339.")
    interval: str | None = Field(default=None, description='"1d", "1h", "5m" ...')
    calendar: Literal["weekdays", "continuous"] | None = Field(
        default=None, description="`weekdays` for 1d, `continuous` else."
    )


def moment(text: str, path: tuple[str | int, ...]) -> datetime:
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise SeriesRefused(path, f"{text[:40]!r} is not an RFC 3339 time") from None
    aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    if not EARLIEST <= aware < LATEST:
        raise SeriesRefused(path, f"{text[:40]!r} is outside 1900 to 2200")
    return aware.astimezone(UTC)


def milliseconds(moments: Sequence[datetime]) -> Times:
    return np.array([round(m.timestamp() * 1000) for m in moments], dtype=np.int64)


def interval_milliseconds(text: str, path: tuple[str | int, ...] = ("interval",)) -> int:
    match = re.fullmatch(r"([1-9]\d{0,5})([smhdw])", text)
    if match is None:
        raise SeriesRefused(path, f"{text[:20]!r} is not an interval: use 5m, 1h, 1d or 1w")
    return int(match[1]) * MILLISECONDS[match[2]]


def generated_times(series: SeriesInput) -> Times:
    """Times from start, interval and calendar."""
    if series.start is None or series.interval is None:
        missing = "start" if series.start is None else "interval"
        raise SeriesRefused((missing,), "give timestamps, or start and interval")
    start = moment(series.start, ("start",))
    step = interval_milliseconds(series.interval)
    count = len(series.values)
    calendar = series.calendar or ("weekdays" if series.interval == "1d" else "continuous")
    if calendar == "weekdays":
        if series.interval != "1d":
            raise SeriesRefused(("calendar",), "the weekdays calendar goes with the interval 1d")
        first = np.datetime64(start.date(), "D")
        days = (
            np.busday_offset(first, np.arange(count), roll="forward").astype("datetime64[D]").astype(np.int64)
        )
        of_day = round(
            (start - start.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds() * 1000
        )
        times = days * MILLISECONDS["d"] + of_day
    else:
        first_ms = round(start.timestamp() * 1000)
        refuse_beyond(first_ms + step * (count - 1))  # before an int64 would overflow
        times = first_ms + step * np.arange(count, dtype=np.int64)
    refuse_beyond(int(times[-1]))
    return times.astype(np.int64)


def refuse_beyond(last: int) -> None:
    if last >= round(LATEST.timestamp() * 1000):
        raise SeriesRefused(("values",), "the series would reach beyond the year 2200")


def given_times(series: SeriesInput) -> Times:
    texts = series.timestamps or []
    if len(texts) != len(series.values):
        raise SeriesRefused(("timestamps",), f"{len(texts)} timestamps for {len(series.values)} values")
    times = milliseconds([moment(text, ("timestamps", index)) for index, text in enumerate(texts)])
    steps = np.diff(times)
    if (steps <= 0).any():
        bad = int(np.argmax(steps <= 0)) + 1
        what = "repeats the time before it" if steps[bad - 1] == 0 else "is earlier than the time before it"
        raise SeriesRefused(("timestamps", bad), f"{texts[bad]} {what}")
    return times


def read_times(series: SeriesInput) -> Times:
    """UTC milliseconds of each value. SeriesRefused with the place where that is not possible."""
    if series.timestamps is None:
        return generated_times(series)
    if series.start is not None or series.interval is not None:
        raise SeriesRefused(("timestamps",), "give either timestamps, or start and interval, not both")
    return given_times(series)


def iso(time: int) -> str:
    """RFC 3339 of UTC milliseconds."""
    return datetime.fromtimestamp(time / 1000, tz=UTC).isoformat().replace("+00:00", "Z")
