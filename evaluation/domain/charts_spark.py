"""A sparkline: what became of one unit of money, in a few points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluation.domain.charts import Floats, signed

WIDTH, HEIGHT, EDGE = 120, 30, 2
POINTS = 60


@dataclass(frozen=True)
class Spark:
    line: str
    start: str
    total: float
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def words(self) -> str:
        return signed(self.total)

    @property
    def tone(self) -> str:
        return "up" if self.total >= 0 else "down"


def sparkline(returns: Floats) -> Spark | None:
    """Of simple returns; None where there is nothing to draw, or where it cannot be drawn."""
    if returns.size < 2:
        return None
    with np.errstate(all="ignore"):
        wealth = np.concatenate(([1.0], np.cumprod(1.0 + returns)))
    return spark_of(wealth) if np.isfinite(wealth).all() else None


def spark_of(wealth: Floats) -> Spark:
    """Of what became of one unit, evenly in time: at least two values, the first one 1."""
    chosen = np.unique(np.linspace(0, wealth.size - 1, min(POINTS, wealth.size)).round().astype(np.int64))
    low, high = float(wealth.min()), float(wealth.max())
    span = high - low or 1.0
    x = EDGE + chosen / (wealth.size - 1) * (WIDTH - 2 * EDGE)
    y = HEIGHT - EDGE - (wealth[chosen] - low) / span * (HEIGHT - 2 * EDGE)
    points = [f"{a:.1f} {b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    return Spark("M" + "L".join(points), f"{y[0]:.1f}", float(wealth[-1] - 1.0))
