"""The one frozen tree to which both written forms of an expression compile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from worlds.domain.expression.names import MetricName

CompareOperator: TypeAlias = Literal["<", "<=", ">", ">=", "==", "!="]
ArithmeticOperator: TypeAlias = Literal["+", "-", "*", "/"]

FLIPPED: Final[dict[CompareOperator, CompareOperator]] = {
    "<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!=",
}  # fmt: skip
NEGATED: Final[dict[CompareOperator, CompareOperator]] = {
    "<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "==",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Name:
    name: MetricName


@dataclass(frozen=True, slots=True)
class Arithmetic:
    operator: ArithmeticOperator
    left: Quantity
    right: Quantity


@dataclass(frozen=True, slots=True)
class Compare:
    operator: CompareOperator
    left: Quantity
    right: Quantity


@dataclass(frozen=True, slots=True)
class And:
    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    term: Condition


Quantity: TypeAlias = Number | Name | Arithmetic
Condition: TypeAlias = Compare | And | Or | Not
Expression: TypeAlias = Quantity | Condition


def is_condition(node: Expression) -> bool:
    return isinstance(node, (Compare, And, Or, Not))


def number(value: float) -> Number:
    """A literal; -0.0 becomes 0.0, so that equal trees have equal texts."""
    return Number(float(value) + 0.0)


def conjunction(terms: tuple[Condition, ...]) -> Condition:
    """`and` of the terms: nested ones are flattened (it is associative), a single one is itself."""
    flat = tuple(leaf for term in terms for leaf in (term.terms if isinstance(term, And) else (term,)))
    return flat[0] if len(flat) == 1 else And(flat)


def disjunction(terms: tuple[Condition, ...]) -> Condition:
    """`or` of the terms, flattened like `conjunction`."""
    flat = tuple(leaf for term in terms for leaf in (term.terms if isinstance(term, Or) else (term,)))
    return flat[0] if len(flat) == 1 else Or(flat)


def children(node: Expression) -> tuple[Expression, ...]:
    match node:
        case And(terms) | Or(terms):
            return terms
        case Not(term):
            return (term,)
        case Compare(_, left, right) | Arithmetic(_, left, right):
            return (left, right)
        case _:
            return ()


def walk(node: Expression) -> Iterator[Expression]:
    """Every node, parents first, left to right."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(children(current)))


def size(node: Expression) -> int:
    return sum(1 for _ in walk(node))


def depth(node: Expression) -> int:
    """Levels of the tree; a single name has depth 1. Iterative: a too deep tree must still be measured."""
    deepest, level = 0, [node]
    while level:
        deepest += 1
        level = [child for parent in level for child in children(parent)]
    return deepest


def names(node: Expression) -> tuple[MetricName, ...]:
    """The distinct metrics that the expression reads, in the order of their first appearance."""
    return tuple(dict.fromkeys(item.name for item in walk(node) if isinstance(item, Name)))
