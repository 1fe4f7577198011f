"""Geometry of the chart of a world's allocation over time: steps, as it holds until the next word. Pure values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

WIDTH, HEIGHT, LEFT, RIGHT, TOP, FOOT = 960, 200, 52, 16, 12, 24


@dataclass(frozen=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True)
class Steps:
    """Lines of the allocation and of what was held (gross notional over equity), with their ticks."""

    allocation: str
    area: str
    held: str
    across: Sequence[Tick]
    up: Sequence[Tick]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    bottom: int = HEIGHT - FOOT


def steps_chart(
    allocations: Sequence[tuple[datetime, float]], held: Sequence[tuple[datetime, float]], now: datetime
) -> Steps | None:
    """Of fractions by time, oldest first; None where there is nothing to draw."""
    if not allocations:
        return None
    times = [moment for moment, _ in [*allocations, *held]]
    first, last = min(times), max(now, *times)
    top = max([value for _, value in [*allocations, *held]] + [0.01]) * 1.1
    span = (last - first).total_seconds() or 1.0

    def x(moment: datetime) -> float:
        return LEFT + (moment - first).total_seconds() / span * (WIDTH - RIGHT - LEFT)

    def y(value: float) -> float:
        return TOP + (1 - value / top) * (HEIGHT - FOOT - TOP)

    def line(points: Sequence[tuple[datetime, float]]) -> str:
        if not points:
            return ""
        path = f"M{x(points[0][0]):.1f} {y(points[0][1]):.1f}"
        for moment, value in points[1:]:
            path += f"H{x(moment):.1f}V{y(value):.1f}"
        return f"{path}H{x(last):.1f}"

    drawn = line(allocations)
    bottom = HEIGHT - FOOT
    return Steps(
        allocation=drawn,
        area=f"{drawn}V{bottom}H{x(allocations[0][0]):.1f}Z",
        held=line(held),
        across=[Tick(x(first), f"{first:%Y-%m-%d %H:%M}"), Tick(x(last), f"{last:%Y-%m-%d %H:%M}")],
        up=[Tick(y(top * part), f"{100 * top * part:.0f} %") for part in (0.0, 0.45, 0.9)],
    )
