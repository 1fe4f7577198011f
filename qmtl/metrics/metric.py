"""One entry of the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from qmtl.metrics.missing import Why
from qmtl.metrics.panel import Column, PanelView

Sign = Literal["+", "-", "any"]
Direction = Literal["higher", "lower", "none"]
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
