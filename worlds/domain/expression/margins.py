"""What a candidate that fails a gate lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from worlds.domain.expression.evaluation import FAIL, PASS, Floats, evaluate_gate, evaluate_score
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
    Quantity,
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


def failed_leaves(expression: Expression, lookup: Lookup) -> list[LeafMargin]:
    """The comparisons for which one candidate does not pass; none where it passes.

    Under `or` the branches are listed only where all of them fail; under `not` a comparison is turned round.
    Raises TypeError for a score.
    """

    def columns(name: MetricName) -> Floats:
        value = lookup(name)
        return np.array([np.nan if value is None else value], dtype=np.float64)

    if not isinstance(expression, (Compare, And, Or, Not)):
        raise TypeError("a score is no gate")
    return [_margin(leaf, columns) for leaf in _failing(expression, columns, wanted=True)]


def _failing(node: Condition, columns: Callable[[MetricName], Floats], *, wanted: bool) -> Iterator[Compare]:
    """Leaves, written as they would have to hold, for which `node` is not what is `wanted`."""
    verdict = evaluate_gate(node, columns, 1, on_missing="warn")[0]
    if verdict == (PASS if wanted else FAIL):
        return
    match node:
        case And(terms) | Or(terms):
            for term in terms:
                yield from _failing(term, columns, wanted=wanted)
        case Not(term):
            yield from _failing(term, columns, wanted=not wanted)
        case Compare(operator, left, right):
            yield Compare(operator if wanted else NEGATED[operator], left, right)


def _margin(leaf: Compare, columns: Callable[[MetricName], Floats]) -> LeafMargin:
    if isinstance(leaf.left, Number):
        leaf = Compare(FLIPPED[leaf.operator], leaf.right, leaf.left)
    value, bound = _value(leaf.left, columns), _value(leaf.right, columns)
    margin = None if value is None or bound is None else _lacking(leaf.operator, value, bound)
    return LeafMargin(to_text(leaf), value, bound, margin)


def _value(quantity: Quantity, columns: Callable[[MetricName], Floats]) -> float | None:
    value = float(evaluate_score(quantity, columns, 1)[0])
    return None if np.isnan(value) else value


def _lacking(operator: CompareOperator, value: float, bound: float) -> float | None:
    match operator:
        case ">" | ">=":
            margin = value - bound
        case "<" | "<=":
            margin = bound - value
        case "==":
            margin = -abs(value - bound)
        case "!=":
            margin = 0.0
    return margin + 0.0 if np.isfinite(margin) else None
