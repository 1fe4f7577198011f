"""Bars of several symbols on common times: what data providers give and strategies are replayed over."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import time as now
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qmtl.sdk.errors import DataError
from qmtl.sdk.intervals import DAY, bucket, iso, milliseconds

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

PRICES = ("open", "high", "low", "close")
FIELDS = (*PRICES, "volume")
LONGEST_CLOSURE = 11 * DAY
"""No exchange that is worth a backtest stays closed for longer; a longer hole is missing data."""
CLOSEST = 4 / 7
"""Of an interval of a day or longer: so near may two of its bars be, as labels move with clocks and holidays; nearer
ones are bars of a finer interval."""
ENOUGH = 20
"""So many bars without a neighbour at their interval are bars of a coarser one, and no closures."""


class Bar(NamedTuple):
    """One closed bar of all symbols: milliseconds since 1970 (as the data labels it), and (symbols,) per field."""

    time: int
    values: Mapping[str, Floats]


@dataclass(frozen=True, eq=False)
class Frame:
    """Closed bars, oldest first. `fields`: name -> (bars, symbols); `close` is always among them."""

    times: Times
    symbols: tuple[str, ...]
    fields: Mapping[str, Floats]
    interval: str = "1d"

    def __post_init__(self) -> None:
        if "close" not in self.fields:
            raise DataError(f"the data has no close, only {', '.join(self.fields) or 'nothing'}")
        for name, values in self.fields.items():
            if values.shape != (len(self.times), len(self.symbols)):
                raise DataError(f"{name} has the shape {values.shape}, not (bars, symbols)")

    def __len__(self) -> int:
        return len(self.times)

    @property
    def close(self) -> Floats:
        return self.fields["close"]

    def bars(self) -> Iterator[Bar]:
        names = list(self.fields)
        for place, time in enumerate(self.times.tolist()):
            yield Bar(time, {name: self.fields[name][place] for name in names})

    def part(self, start: int | None = None, stop: int | None = None) -> Frame:
        """The bars from `start` on and before `stop`, milliseconds."""
        first = 0 if start is None else int(np.searchsorted(self.times, start))
        last = len(self) if stop is None else int(np.searchsorted(self.times, stop))
        fields = {name: values[first:last] for name, values in self.fields.items()}
        return Frame(self.times[first:last], self.symbols, fields, self.interval)

    def fingerprint(self) -> str:
        """The same for the same bars, whatever file they came from: sha256 over interval, symbols, times, values."""
        digest = hashlib.sha256(f"{self.interval}\n{chr(10).join(self.symbols)}\n".encode())
        digest.update(np.ascontiguousarray(self.times, dtype="<i8").tobytes())
        for name in sorted(self.fields):
            values = np.ascontiguousarray(self.fields[name], dtype="<f8")
            digest.update(name.encode() + b"\n" + values.tobytes())
        return f"sha256:{digest.hexdigest()}"

    def check(self, *, periods_per_year: float | None = None) -> Frame:
        """Itself, where it can be trusted. DataError that names the first bad place."""
        if len(self) < 2:
            raise DataError(f"the data has {len(self)} bars; a strategy needs at least 2")
        self._check_times(milliseconds(self.interval), periods_per_year)
        for name, values in self.fields.items():
            bad = ~np.isfinite(values) if name == "close" else np.isinf(values)
            if name in PRICES:
                bad |= values <= 0
            if bad.any():
                row, column = (int(place[0]) for place in np.nonzero(bad))
                raise DataError(
                    f"{name} of {self.symbols[column]} at {iso(int(self.times[row]))} is {values[row, column]}: "
                    "fill or drop it, a strategy cannot tell a missing price from a real one"
                )
        return self

    def _check_times(self, step: int, periods_per_year: float | None) -> None:
        steps = np.diff(self.times)
        if (steps <= 0).any():
            place = int(np.argmax(steps <= 0)) + 1
            what = "stands there twice" if steps[place - 1] == 0 else "comes after a later one"
            raise DataError(
                f"the bar of {iso(int(self.times[place]))} {what}; sort the data and drop doubles"
            )
        shortest = step if step < DAY else step * CLOSEST
        if (steps < shortest).any():
            place = int(np.argmax(steps < shortest)) + 1
            raise DataError(
                f"the bar of {iso(int(self.times[place]))} comes earlier than {self.interval} after its last "
                f"({iso(int(self.times[place - 1]))}): these are not {self.interval} bars"
            )
        if len(steps) >= ENOUGH and steps.min() >= 2 * step:
            raise DataError(
                f"no two bars are {self.interval} apart, the nearest are {int(steps.min()) / step:g} times that: "
                f"these are not {self.interval} bars"
            )
        self._refuse_future(step)
        always_open = periods_per_year is not None and periods_per_year * step >= 0.98 * 365 * DAY
        longest = step if always_open else max(LONGEST_CLOSURE, 3 * step)
        if (steps > longest).any():
            place = int(np.argmax(steps > longest))
            missing = int(steps[place] // step) - 1
            raise DataError(
                f"{missing} bars are missing between {iso(int(self.times[place]))} and "
                f"{iso(int(self.times[place + 1]))}: complete the data, or begin after the gap (window)"
            )

    def _refuse_future(self, step: int) -> None:
        """A label may be its bar's end, or a date that begins earlier than in UTC; nothing later has closed."""
        latest = now() * 1000 + min(step, DAY)
        if self.times[-1] > latest:
            place = int(np.searchsorted(self.times, latest, side="right"))
            raise DataError(f"the bar of {iso(int(self.times[place]))} lies in the future")


def frame_of(data: Any, *, interval: str = "1d") -> Frame:
    """A Frame of what an author has: a Frame, a table with times as index and symbols as columns (pandas), or
    `{"times": [...], "symbols": [...], "close": (bars, symbols), ...}`. DataError for anything else."""
    if isinstance(data, Frame):
        return data
    if hasattr(data, "index") and hasattr(data, "columns") and hasattr(data, "to_numpy"):
        times = np.asarray(data.index, dtype="datetime64[ms]").astype(np.int64)
        symbols = tuple(str(column) for column in data.columns)
        return Frame(times, symbols, {"close": np.asarray(data.to_numpy(), dtype=np.float64)}, interval)
    if isinstance(data, Mapping) and {"times", "symbols", "close"} <= data.keys():
        times = times_of(data["times"])
        fields = {
            name: np.asarray(values, dtype=np.float64)
            for name, values in data.items()
            if name not in {"times", "symbols", "interval"}
        }
        return Frame(times, tuple(data["symbols"]), fields, str(data.get("interval", interval)))
    raise DataError(
        f"{type(data).__name__} is no data: give a Frame, a table (times x symbols), or a dict with times, symbols "
        "and close"
    )


def times_of(values: Any) -> Times:
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        return array.astype(np.int64)
    return array.astype("datetime64[ms]").astype(np.int64)


def long_rows(
    times: Sequence[int], symbols: Sequence[str], columns: Mapping[str, Any], interval: str
) -> Frame:
    """A Frame of rows (time, symbol, values) in any order. DataError for doubles and for bars that not all have."""
    names = tuple(dict.fromkeys(symbols))
    stamps = np.unique(np.asarray(times, dtype=np.int64))
    rows = np.searchsorted(stamps, np.asarray(times, dtype=np.int64))
    order = {name: place for place, name in enumerate(names)}
    where = rows * len(names) + np.array([order[name] for name in symbols], dtype=np.int64)
    counts = np.bincount(where, minlength=len(stamps) * len(names))
    if (counts != 1).any():
        place = int(np.argmax(counts != 1))
        what = "stands there twice" if counts[place] else "is missing"
        raise DataError(
            f"the bar of {names[place % len(names)]} at {iso(int(stamps[place // len(names)]))} {what}: "
            "all symbols need the same times, each once"
        )
    fields = {}
    for name, values in columns.items():
        grid = np.empty(len(stamps) * len(names))
        grid[where] = np.asarray(values, dtype=np.float64)
        fields[name] = grid.reshape(len(stamps), len(names))
    return Frame(stamps, names, fields, interval)


def coarser(time: int, interval: str) -> int:
    """Beginning of the coarser bar in which a time lies."""
    return bucket(time, milliseconds(interval))
