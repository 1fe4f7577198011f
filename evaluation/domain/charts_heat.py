"""Geometry of the heat map of correlations: a cell for each pair, its strength as opacity, its sign as a hue.

Blue and orange are told apart by all kinds of colour vision; what is unknown is hatched, and what is above the
limit is outlined, so that neither needs a colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

GAP, FOOT, LETTER = 8.0, 8.0, 6.7
"""Between labels and cells, below them, and the width of a letter."""
SLANT, RISE, RUN = -60, 0.87, 0.5
"""Of the labels above, in degrees; what they take of their length upwards and to the right."""
LARGEST, SMALLEST, ACROSS = 46.0, 15.0, 640.0
LONGEST_LABEL = 22
STRONG = 0.6
WITH_FIGURES = 15
"""Up to so many names there is room for the figures in the cells."""


@dataclass(frozen=True)
class Cell:
    x: str
    y: str
    kind: str
    """`positive`, `negative`, `unknown`, `self`."""
    opacity: str
    figure: str
    words: str
    above: bool
    strong: bool = False
    """So dark that its figure has to be light."""


@dataclass(frozen=True)
class Label:
    text: str
    full: str
    at: str


@dataclass(frozen=True)
class Heat:
    cells: Sequence[Cell]
    labels: Sequence[Label]
    across: Sequence[Label]
    cell: str
    half: str
    width: int
    height: int
    unknown: int
    """Pairs of which nothing is known."""
    above: int
    left: str
    top: str
    figures: bool
    slant: int = SLANT


def heat_map(
    names: Sequence[str], matrix: NDArray[np.float64], *, limit: float | None, absolute: bool = False
) -> Heat | None:
    """The map of a symmetric matrix of correlations (NaN: unknown); None where there is no pair."""
    if len(names) < 2:
        return None
    size = max(SMALLEST, min(LARGEST, ACROSS / len(names)))
    longest = LETTER * min(max(map(len, names)), LONGEST_LABEL)
    left, top = longest + 2 * GAP, RISE * longest + 3 * GAP
    edge = size * len(names)
    cells = [
        cell((names[row], names[column]), float(matrix[row, column]), limit, absolute) | place
        for row in range(len(names))
        for column in range(len(names))
        for place in [{"x": f"{left + column * size:.1f}", "y": f"{top + row * size:.1f}"}]
    ]
    middles = [size * (n + 0.5) for n in range(len(names))]
    made = [Cell(**each) for each in cells]
    return Heat(
        cells=made,
        labels=[label(name, top + middle) for name, middle in zip(names, middles, strict=True)],
        across=[label(name, left + middle) for name, middle in zip(names, middles, strict=True)],
        cell=f"{size - 1:.1f}",
        half=f"{size / 2:.1f}",
        width=round(left + edge + RUN * longest + GAP),
        height=round(top + edge + FOOT),
        unknown=sum(c.kind == "unknown" for c in made) // 2,
        above=sum(c.above for c in made) // 2,
        left=f"{left - GAP:.1f}",
        top=f"{top - GAP:.1f}",
        figures=len(names) <= WITH_FIGURES,
    )


def cell(pair: tuple[str, str], value: float, limit: float | None, absolute: bool) -> dict[str, Any]:
    """What a cell says about a pair of names; a name with itself is the diagonal."""
    if pair[0] == pair[1]:
        return {"kind": "self", "opacity": "1", "figure": "", "words": pair[0], "above": False}
    words = f"{pair[0]} and {pair[1]}"
    if np.isnan(value):
        return {
            "kind": "unknown",
            "opacity": "1",
            "figure": "?",
            "words": f"{words}: unknown",
            "above": False,
        }
    above = limit is not None and (abs(value) if absolute else value) > limit
    return {
        "kind": "negative" if value < 0 else "positive",
        "opacity": f"{abs(value):.2f}",
        "figure": f"{value:.2f}",
        "words": f"{words}: {value:.3f}" + (f", above {limit:g}" if above else ""),
        "above": above,
        "strong": abs(value) > STRONG,
    }


def label(name: str, at: float) -> Label:
    cut = name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…"
    return Label(cut, name, f"{at:.1f}")
