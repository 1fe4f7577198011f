"""Gates and scores over all candidates at once, as arrays.

A gate is three-valued (Kleene): a comparison that reads a missing figure is unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from worlds.domain.expression.names import MetricName
from worlds.domain.expression.nodes import (
    And,
    Arithmetic,
    Compare,
    Condition,
    Expression,
    Name,
    Not,
    Number,
    Or,
    Quantity,
)

Floats: TypeAlias = NDArray[np.float64]
Verdicts: TypeAlias = NDArray[np.int8]
Columns: TypeAlias = Callable[[MetricName], Floats]
OnMissing: TypeAlias = Literal["fail", "warn", "ignore"]

PASS: Final = np.int8(1)
FAIL: Final = np.int8(0)
INCONCLUSIVE: Final = np.int8(-1)

# Truth in the order false < unknown < true, so that `and` is the least, `or` the greatest, `not` the mirror.
_FALSE, _UNKNOWN, _TRUE = np.int8(0), np.int8(1), np.int8(2)

_COMPARE: Final = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
    "==": np.equal, "!=": np.not_equal,
}  # fmt: skip
_ARITHMETIC: Final = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}


def evaluate_gate(expression: Expression, columns: Columns, size: int, *, on_missing: OnMissing) -> Verdicts:
    """Which of `size` candidates pass: 1 pass, 0 fail, -1 inconclusive; shape (size,).

    `columns` gives a metric of all candidates, NaN where it is missing. A gate that stays unknown fails
    (`fail`) or is inconclusive (`warn`); with `ignore` unknown comparisons count as if they were not written,
    and a gate of which nothing is left is inconclusive. Raises TypeError for a score.
    """
    truth = _Evaluation(columns, size, drop_unknown=on_missing == "ignore").truth(_as_condition(expression))
    verdicts = np.where(truth == _TRUE, PASS, FAIL)
    if on_missing != "fail":
        verdicts = np.where(truth == _UNKNOWN, INCONCLUSIVE, verdicts)
    return verdicts.astype(np.int8)


def evaluate_score(expression: Expression, columns: Columns, size: int) -> Floats:
    """The score of each candidate; NaN where a figure is missing or the arithmetic has no finite result.

    Raises TypeError for a gate.
    """
    return _Evaluation(columns, size, drop_unknown=False).values(_as_quantity(expression)).copy()


class _Evaluation:
    def __init__(self, columns: Columns, size: int, *, drop_unknown: bool) -> None:
        self.columns = columns
        self.size = size
        self.drop_unknown = drop_unknown

    def truth(self, node: Condition) -> Verdicts:
        match node:
            case And(terms):
                return self.joined([self.truth(term) for term in terms], np.minimum, neutral=_TRUE)
            case Or(terms):
                return self.joined([self.truth(term) for term in terms], np.maximum, neutral=_FALSE)
            case Not(term):
                return (_TRUE - self.truth(term)).astype(np.int8)
            case Compare(operator, left, right):
                a, b = self.values(left), self.values(right)
                holds = np.where(_COMPARE[operator](a, b), _TRUE, _FALSE)
                return np.where(np.isnan(a) | np.isnan(b), _UNKNOWN, holds).astype(np.int8)

    def joined(self, terms: list[Verdicts], ufunc: np.ufunc, *, neutral: np.int8) -> Verdicts:
        stack = np.stack(terms)
        if not self.drop_unknown:
            return ufunc.reduce(stack, axis=0)  # type: ignore[no-any-return]
        unknown = stack == _UNKNOWN
        known = ufunc.reduce(np.where(unknown, neutral, stack), axis=0)
        return np.where(unknown.all(axis=0), _UNKNOWN, known).astype(np.int8)

    def values(self, node: Quantity) -> Floats:
        match node:
            case Number(value):
                return np.full(self.size, value)
            case Name(name):
                return self.column(name)
            case Arithmetic(operator, left, right):
                # 1/0 and overflow are no figures: unknown, like what was never measured.
                with np.errstate(all="ignore"):
                    result = _ARITHMETIC[operator](self.values(left), self.values(right))
                return np.where(np.isfinite(result), result, np.nan)

    def column(self, name: MetricName) -> Floats:
        column = np.asarray(self.columns(name), dtype=np.float64)
        if column.shape != (self.size,):
            raise ValueError(f"{name}: {column.shape} is not the shape of {self.size} candidates")
        return np.where(np.isfinite(column), column, np.nan)


def _as_condition(expression: Expression) -> Condition:
    if isinstance(expression, (Number, Name, Arithmetic)):
        raise TypeError("a score is no gate")
    return expression


def _as_quantity(expression: Expression) -> Quantity:
    if isinstance(expression, (Compare, And, Or, Not)):
        raise TypeError("a gate is no score")
    return expression
