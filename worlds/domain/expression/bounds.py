"""Bounds that a gate puts on single metrics in its outermost `and`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from worlds.domain.expression.names import MetricName
from worlds.domain.expression.nodes import FLIPPED, And, Compare, CompareOperator, Condition, Name, Number
from worlds.domain.expression.text import number_text


@dataclass(frozen=True, slots=True, order=True)
class Bound:
    """Ordered as lower bounds: the greater, the stricter."""

    value: float
    strict: bool


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one metric must keep within."""

    low: Bound | None = None
    high: Bound | None = None

    def exclude_everything(self) -> bool:
        if self.low is None or self.high is None:
            return False
        touching = self.low.value == self.high.value and (self.low.strict or self.high.strict)
        return self.low.value > self.high.value or touching

    def low_text(self) -> str:
        return "" if self.low is None else f"{'>' if self.low.strict else '>='} {number_text(self.low.value)}"

    def high_text(self) -> str:
        return (
            "" if self.high is None else f"{'<' if self.high.strict else '<='} {number_text(self.high.value)}"
        )


def terms_of(gate: Condition) -> tuple[Condition, ...]:
    """What all must hold."""
    return gate.terms if isinstance(gate, And) else (gate,)


def simple_bound(term: Condition) -> tuple[MetricName, CompareOperator, float] | None:
    """`metric op number`, whichever side the number is on; None for anything else and for `!=`."""
    match term:
        case Compare("!=", _, _):
            return None
        case Compare(operator, Name(name), Number(value)):
            return name, operator, value
        case Compare(operator, Number(value), Name(name)):
            return name, FLIPPED[operator], value
        case _:
            return None


def bounds_of(gate: Condition) -> dict[MetricName, Bounds]:
    """The tightest bounds per metric among the terms of the outermost `and`."""
    found: dict[MetricName, Bounds] = {}
    for name, operator, value in _simple(gate):
        bounds = found.get(name, Bounds())
        strict = operator in ("<", ">")
        if operator in (">", ">=", "=="):
            low = Bound(value, strict)
            bounds = replace(bounds, low=low if bounds.low is None else max(bounds.low, low))
        if operator in ("<", "<=", "=="):
            high = Bound(value, strict)
            tighter = bounds.high is None or (value, not strict) < (bounds.high.value, not bounds.high.strict)
            bounds = replace(bounds, high=high if tighter else bounds.high)
        found[name] = bounds
    return found


def _simple(gate: Condition) -> Iterator[tuple[MetricName, CompareOperator, float]]:
    for term in terms_of(gate):
        if (bound := simple_bound(term)) is not None:
            yield bound
