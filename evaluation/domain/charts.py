"""Geometry of the equity and drawdown chart: from arrays to paths, ticks and the strips that one points at.

Pure functions of values; a template draws them. Long records are thinned to the lowest and highest point of
each column of pixels, so that no peak and no trough is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Times = NDArray[np.int64]

WIDTH, LEFT, RIGHT = 960, 62, 16
TOP, EQUITY_HEIGHT, GAP, DRAWDOWN_HEIGHT, FOOT = 12, 230, 26, 84, 24
STRIPS = 120
TICKS_ACROSS = 7


@dataclass(frozen=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True)
class Strip:
    """A column that one points at, and what the record says there."""

    x: float
    width: float
    middle: float
    equity_y: float
    drawdown_y: float
    date: str
    equity: float
    total_return: float
    drawdown: float
    benchmark: float | None

    @property
    def words(self) -> str:
        other = "" if self.benchmark is None else f"   benchmark {signed(self.benchmark)}"
        told = f"{self.date}   {self.equity:,.0f}   {signed(self.total_return)}   drawdown {percent(self.drawdown)}"
        return told + other


@dataclass(frozen=True)
class Frame:
    """A rectangle of the drawing with its scale: values `low` to `high` from bottom to top."""

    top: float
    height: float
    low: float
    high: float

    @property
    def bottom(self) -> float:
        return self.top + self.height

    def y(self, values: Floats) -> Floats:
        span = self.high - self.low or 1.0
        return np.asarray(self.bottom - (values - self.low) / span * self.height)


@dataclass(frozen=True)
class Chart:
    equity: str
    equity_area: str
    benchmark: str
    drawdown: str
    equity_frame: Frame
    drawdown_frame: Frame
    equity_ticks: Sequence[Tick]
    drawdown_ticks: Sequence[Tick]
    time_ticks: Sequence[Tick]
    strips: Sequence[Strip]
    deepest: Tick
    start: Tick
    width: int = WIDTH
    height: int = TOP + EQUITY_HEIGHT + GAP + DRAWDOWN_HEIGHT + FOOT
    left: int = LEFT
    right: int = WIDTH - RIGHT


def equity_chart(
    times: Times, equity: Floats, *, benchmark: tuple[Times, Floats] | None = None
) -> Chart | None:
    """The chart of an equity series (UTC milliseconds, values); None where there is nothing to draw.

    `benchmark`: times and simple returns of the series to compare with; it starts where the equity starts.
    """
    if equity.size < 2 or not np.isfinite(equity).all() or equity[0] <= 0:
        return None
    x = across(times)
    fall = drawdown(equity)
    other = None if benchmark is None else alongside(times, equity[0], *benchmark)
    above = frame(TOP, EQUITY_HEIGHT, equity if other is None else np.concatenate((equity, other)))
    below = Frame(TOP + EQUITY_HEIGHT + GAP, DRAWDOWN_HEIGHT, min(float(fall.min()) * 1.08, -1e-4), 0.0)
    line = path(x, above.y(equity))
    worst = int(fall.argmin())
    return Chart(
        equity=line,
        equity_area=closed(line, x, above.bottom),
        benchmark="" if other is None else path(x, above.y(other)),
        drawdown=closed(path(x, below.y(fall)), x, below.top),
        equity_frame=above,
        drawdown_frame=below,
        equity_ticks=value_ticks(above, 5, compact),
        drawdown_ticks=value_ticks(below, 4, whole_percent),
        time_ticks=time_ticks(times),
        strips=strips(times, x, equity, fall, other, above, below),
        deepest=Tick(float(x[worst]), f"{percent(float(fall[worst]))} on {day(int(times[worst]))}"),
        start=Tick(float(above.y(equity[:1])[0]), compact(float(equity[0]))),
    )


def with_start(times: Times, equity: Floats, capital: float) -> tuple[Times, Floats]:
    """E_0 before E_1, one usual step earlier."""
    step = int(np.median(np.diff(times))) if times.size > 1 else 86_400_000
    return np.concatenate(([times[0] - step], times)), np.concatenate(([capital], equity))


def drawdown(equity: Floats) -> Floats:
    """Fraction <= 0 below the running peak."""
    return np.asarray(equity / np.maximum.accumulate(equity) - 1.0)


def alongside(times: Times, capital: float, other_times: Times, returns: Floats) -> Floats | None:
    """What the capital would have become in the benchmark, at the record's times; None without common time."""
    inside = (other_times > times[0]) & (other_times <= times[-1])
    if not inside.any():
        return None
    wealth = capital * np.concatenate(([1.0], np.cumprod(1.0 + returns[inside])))
    reached = np.searchsorted(other_times[inside], times, side="right")
    return np.asarray(wealth[reached])


# --- scales -----------------------------------------------------------------------------------------------
def across(times: Times) -> Floats:
    return place(times, times)


def place(times: Times, chosen: Times) -> Floats:
    """Where moments stand across, on the scale of a record's times."""
    span = float(times[-1] - times[0]) or 1.0
    return np.asarray(LEFT + (chosen - times[0]) / span * (WIDTH - LEFT - RIGHT))


def frame(top: float, height: float, values: Floats) -> Frame:
    low, high = float(values.min()), float(values.max())
    room = (high - low or abs(high) or 1.0) * 0.05
    return Frame(top, height, low - room, high + room)


def nice_step(span: float, count: int) -> float:
    """The least of 1, 2, 2.5, 5 times a power of ten that cuts the span into at most `count` steps."""
    rough = span / max(count, 1)
    power = 10.0 ** np.floor(np.log10(rough))
    return float(next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999))


def value_ticks(of: Frame, count: int, label: object) -> list[Tick]:
    step = nice_step(of.high - of.low, count)
    first = np.ceil(of.low / step - 1e-9) * step
    values = np.arange(first, of.high + step * 1e-6, step)
    places = of.y(values)
    return [Tick(float(y), label(float(v) + 0.0)) for y, v in zip(places, values, strict=True)]  # type: ignore[operator]


def time_ticks(times: Times) -> list[Tick]:
    """Whole years, else months, else days, as many as there is room for."""
    for unit, form in (("Y", "%Y"), ("M", "%b %Y"), ("D", "%d %b"), ("h", "%H:%M")):
        marks = np.arange(
            times[0].astype("datetime64[ms]").astype(f"datetime64[{unit}]") + 1,
            times[-1].astype("datetime64[ms]").astype(f"datetime64[{unit}]") + 1,
        )
        if marks.size >= 3 or unit == "h":
            every = max(1, -(-marks.size // TICKS_ACROSS))
            chosen = marks[::every].astype("datetime64[ms]").astype(np.int64)
            return [
                Tick(float(x), moment(int(t)).strftime(form))
                for x, t in zip(place(times, chosen), chosen, strict=True)
            ]
    return []


# --- lines ------------------------------------------------------------------------------------------------
def thin(x: Floats, y: Floats) -> NDArray[np.int64]:
    """Indices to draw: all of a short series, else first, last, lowest and highest of each column of pixels."""
    if x.size <= 2 * WIDTH:
        return np.arange(x.size)
    column = x.astype(np.int64)
    starts = np.flatnonzero(np.diff(column, prepend=column[0] - 1))
    ends = np.append(starts[1:], x.size)
    kept = {0, x.size - 1}
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        part = y[start:end]
        kept |= {start, end - 1, start + int(part.argmin()), start + int(part.argmax())}
    return np.array(sorted(kept))


def path(x: Floats, y: Floats) -> str:
    shown = thin(x, y)
    points = [f"{a:.1f} {b:.1f}" for a, b in zip(x[shown].tolist(), y[shown].tolist(), strict=True)]
    return "M" + "L".join(points)


def closed(line: str, x: Floats, edge: float) -> str:
    """The line as an area down (or up) to an edge."""
    return f"{line}L{x[-1]:.1f} {edge:.1f}L{x[0]:.1f} {edge:.1f}Z"


def strips(
    times: Times, x: Floats, equity: Floats, fall: Floats, other: Floats | None, above: Frame, below: Frame
) -> list[Strip]:
    """Columns over the whole width, each telling of the record's point nearest to its middle."""
    count = min(STRIPS, x.size)
    edges = np.linspace(LEFT, WIDTH - RIGHT, count + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    nearest = np.searchsorted((x[1:] + x[:-1]) / 2, middles)
    heights, depths = above.y(equity), below.y(fall)
    return [
        Strip(
            x=float(edges[n]),
            width=float(edges[n + 1] - edges[n]),
            middle=float(x[i]),
            equity_y=float(heights[i]),
            drawdown_y=float(depths[i]),
            date=day(int(times[i])),
            equity=float(equity[i]),
            total_return=float(equity[i] / equity[0] - 1.0),
            drawdown=float(fall[i]),
            benchmark=None if other is None else float(other[i] / other[0] - 1.0),
        )
        for n, i in enumerate(nearest.tolist())
    ]


# --- words ------------------------------------------------------------------------------------------------
def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)


def day(milliseconds: int) -> str:
    found = moment(milliseconds)
    return f"{found:%Y-%m-%d}" if (found.hour, found.minute) == (0, 0) else f"{found:%Y-%m-%d %H:%M}"


def percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def whole_percent(value: float) -> str:
    return f"{100 * value:.4g} %"


def signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{percent(value)}"


def compact(value: float) -> str:
    """12.5k, 3.2M: money on an axis."""
    for size, mark in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.4g}{mark}"
    return f"{value:.4g}"
