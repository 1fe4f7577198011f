"""One entry of the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf, isinf
from typing import Literal

from qmtl.metrics.missing import Why
from qmtl.metrics.panel import Column, PanelView

Sign = Literal["+", "-", "any"]
Direction = Literal["higher", "lower", "none"]
ROUNDING = 1e-9
"""By so much another program's figure may be over the line."""

Compute = Callable[[PanelView], Column]


@dataclass(frozen=True)
class Metric:
    """What a metric is called, what it says, and who computes it.

    `sign`: "+" is never negative, "-" never positive. `direction`: which way is better. `needs`: where the
    figure comes from. `compute` is there for those that the kernel makes from returns alone; `whys` are the
    reasons why such a figure can be missing, the first that holds is given.
    """

    name: str
    block: str
    unit: str
    sign: Sign
    direction: Direction
    formula: str
    source: str
    needs: str
    missing_when: str
    compute: Compute | None = field(default=None, repr=False, compare=False)
    whys: tuple[Why, ...] = field(default=(), repr=False, compare=False)

    @property
    def dotted(self) -> str:
        """The full name, `block.name`."""
        return f"{self.block}.{self.name}"

    def impossible(self, value: float) -> str | None:
        """Why no record has such a figure; None where one may. For figures that somebody else computed."""
        low, high = self.bounds
        if low - ROUNDING <= value <= high + ROUNDING:
            return None
        if isinf(high):
            return f"{self.name} is never below {low:g}"
        if isinf(low):
            return f"{self.name} is never above {high:g}"
        return f"{self.name} is always within {low:g} and {high:g}"

    @property
    def bounds(self) -> tuple[float, float]:
        """Where the figure always lies, by its unit and sign; nobody loses more than everything."""
        low = 0.0 if self.sign == "+" else -inf
        high = 0.0 if self.sign == "-" else inf
        if self.unit == "probability":
            return 0.0, 1.0
        if self.block == "returns" and self.unit.startswith("fraction"):
            low = max(low, -1.0)
            if self.sign == "+" and self.unit == "fraction":
                high = 1.0
        return low, high


def computed(
    compute: Compute,
    block: str,
    unit: str,
    sign: Sign,
    direction: Direction,
    formula: str,
    source: str,
    *whys: Why,
) -> Metric:
    """A metric that the kernel makes from returns; it bears the name of the function that computes it."""
    words = "; ".join(why.words for why in whys) or "never"
    return Metric(
        compute.__name__, block, unit, sign, direction, formula, source, "returns", words, compute, whys
    )
