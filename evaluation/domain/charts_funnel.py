"""Geometry of the funnel of a decision: how many came how far, and how many fell out on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 960, 150
TOP, BODY = 34, 84
BAR = 0.56
"""Share of the way to the next stage that a bar takes; the rest leads over."""
THINNEST = 2.0
"""Where nobody came, a line still shows the stage."""


@dataclass(frozen=True)
class Stage:
    """One bar with the slope that leads to the next one. `lost`: how many did not come so far as the one before."""

    name: str
    count: int
    lost: int
    share: str
    left: str
    middle: str
    gap: str
    bar: str
    slope: str


@dataclass(frozen=True)
class Funnel:
    stages: Sequence[Stage]
    width: int = WIDTH
    height: int = HEIGHT
    middle: float = TOP + BODY / 2


def funnel_of(counts: Sequence[tuple[str, int]]) -> Funnel | None:
    """The funnel of named counts; None where nobody entered it."""
    if not counts or counts[0][1] <= 0:
        return None
    first, step = counts[0][1], WIDTH / (len(counts) - 1 + BAR)
    heights = [max(THINNEST, BODY * min(count, first) / first) for _, count in counts]
    stages = []
    for n, (name, count) in enumerate(counts):
        left = n * step
        right = left + BAR * step
        last = n == len(counts) - 1
        stages.append(
            Stage(
                name=name,
                count=count,
                lost=0 if n == 0 else max(0, counts[n - 1][1] - count),
                share=f"{100 * count / first:.0f} %",
                left=f"{left:.1f}",
                middle=f"{(left + right) / 2:.1f}",
                gap=f"{left - (1 - BAR) * step / 2:.1f}",
                bar=polygon(left, heights[n], right, heights[n]),
                slope="" if last else polygon(right, heights[n], left + step, heights[n + 1]),
            )
        )
    return Funnel(stages)


def polygon(left: float, left_height: float, right: float, right_height: float) -> str:
    """Four corners, centred on the funnel's axis."""
    axis = TOP + BODY / 2
    corners = (
        (left, axis - left_height / 2),
        (right, axis - right_height / 2),
        (right, axis + right_height / 2),
        (left, axis + left_height / 2),
    )
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
