"""What a candidate that fails a gate lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from worlds.domain.expression.evaluation import FAIL, PASS, Columns, Floats, evaluate_gate, evaluate_score
from worlds.domain.expression.names import MetricName
from worlds.domain.expression.nodes import (
    FLIPPED,
    NEGATED,
    And,
    Compare,
    CompareOperator,
    Condition,
    Expression,
    Not,
    Number,
    Or,
)
from worlds.domain.expression.text import to_text

Lookup: TypeAlias = Callable[[MetricName], float | None]


@dataclass(frozen=True, slots=True)
class LeafMargin:
    """A comparison that does not hold.

    `margin` is value - bound where the value is too low, bound - value where it is too high: at most 0, and
    its size is what is lacking. Value or bound None: the figure is missing, and so is the margin.
    """

    text: str
    value: float | None
    bound: float | None
    margin: float | None


@dataclass(frozen=True, slots=True)
class LeafColumns:
    """One comparison over all candidates, shape (size,) each.

    `lacking`: for whom it is among the reasons of not passing. Figures that are missing are NaN.
    """

    text: str
    values: Floats
    bounds: Floats
    margins: Floats
    lacking: NDArray[np.bool_]

    def of(self, candidate: int) -> LeafMargin:
        value, bound, margin = (
            None if np.isnan(column[candidate]) else float(column[candidate])
            for column in (self.values, self.bounds, self.margins)
        )
        return LeafMargin(self.text, value, bound, margin)


def lacking_leaves(expression: Expression, columns: Columns, size: int) -> list[LeafColumns]:
    """The comparisons for which some of `size` candidates do not pass; none where all pass.

    Under `or` a branch is lacking only where all of them fail; under `not` a comparison is turned round.
    Raises TypeError for a score.
    """
    if not isinstance(expression, (Compare, And, Or, Not)):
        raise TypeError("a score is no gate")
    everybody = np.ones(size, dtype=np.bool_)
    return [
        _margins(leaf, lacking, columns)
        for leaf, lacking in _failing(expression, columns, everybody, wanted=True)
    ]


def failed_leaves(expression: Expression, lookup: Lookup) -> list[LeafMargin]:
    """The comparisons for which one candidate does not pass; none where it passes. Raises TypeError for a score."""

    def columns(name: MetricName) -> Floats:
        value = lookup(name)
        return np.array([np.nan if value is None else value], dtype=np.float64)

    return [leaf.of(0) for leaf in lacking_leaves(expression, columns, 1)]


def _failing(
    node: Condition, columns: Columns, among: NDArray[np.bool_], *, wanted: bool
) -> Iterator[tuple[Compare, NDArray[np.bool_]]]:
    """Leaves, written as they would have to hold, and for whom `node` is not what is `wanted`."""
    verdicts = evaluate_gate(node, columns, among.size, on_missing="warn")
    lacking = among & (verdicts != (PASS if wanted else FAIL))
    if not lacking.any():
        return
    match node:
        case And(terms) | Or(terms):
            for term in terms:
                yield from _failing(term, columns, lacking, wanted=wanted)
        case Not(term):
            yield from _failing(term, columns, lacking, wanted=not wanted)
        case Compare(operator, left, right):
            yield Compare(operator if wanted else NEGATED[operator], left, right), lacking


def _margins(leaf: Compare, lacking: NDArray[np.bool_], columns: Columns) -> LeafColumns:
    if isinstance(leaf.left, Number):
        leaf = Compare(FLIPPED[leaf.operator], leaf.right, leaf.left)
    values = evaluate_score(leaf.left, columns, lacking.size)
    bounds = evaluate_score(leaf.right, columns, lacking.size)
    return LeafColumns(to_text(leaf), values, bounds, _shortfalls(leaf.operator, values, bounds), lacking)


def _shortfalls(operator: CompareOperator, values: Floats, bounds: Floats) -> Floats:
    with np.errstate(all="ignore"):
        difference = values - bounds
    match operator:
        case ">" | ">=":
            margins = difference
        case "<" | "<=":
            margins = -difference
        case "==":
            margins = -np.abs(difference)
        case "!=":
            margins = difference * 0.0
    return np.where(np.isfinite(margins), margins + 0.0, np.nan)
