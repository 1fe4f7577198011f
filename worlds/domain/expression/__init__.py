"""The language of gates and scores: parsed once, evaluated over all candidates as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, overload

from worlds.domain.expression.evaluation import OnMissing, evaluate_gate, evaluate_score
from worlds.domain.expression.faults import ExpressionFault
from worlds.domain.expression.margins import LeafColumns, LeafMargin, failed_leaves, lacking_leaves
from worlds.domain.expression.names import MetricName, UnknownName, parse_name
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
    is_condition,
    names,
)
from worlds.domain.expression.parser import MAX_DEPTH, MAX_NODES, ExpressionKind, parse_text
from worlds.domain.expression.text import to_text, to_tree
from worlds.domain.expression.tokens import MAX_TEXT_LENGTH
from worlds.domain.expression.trees import parse_tree

__all__ = [
    "MAX_DEPTH",
    "MAX_NODES",
    "MAX_TEXT_LENGTH",
    "And",
    "Arithmetic",
    "Compare",
    "Condition",
    "Expression",
    "ExpressionFault",
    "ExpressionKind",
    "LeafColumns",
    "LeafMargin",
    "MetricName",
    "Name",
    "Not",
    "Number",
    "OnMissing",
    "Or",
    "Quantity",
    "UnknownName",
    "evaluate_gate",
    "evaluate_score",
    "failed_leaves",
    "is_condition",
    "lacking_leaves",
    "names",
    "parse_expression",
    "parse_name",
    "to_text",
    "to_tree",
]


@overload
def parse_expression(source: str | Mapping[Any, Any], *, kind: Literal["gate"]) -> Condition: ...
@overload
def parse_expression(source: str | Mapping[Any, Any], *, kind: Literal["score"]) -> Quantity: ...
@overload
def parse_expression(source: str | Mapping[Any, Any], *, kind: ExpressionKind) -> Expression: ...
def parse_expression(source: str | Mapping[Any, Any], *, kind: ExpressionKind) -> Expression:
    """The tree of a gate (text or tree form) or of a score (text).

    Raises `ExpressionFault`, which tells every fault found.
    """
    if isinstance(source, str):
        return parse_text(source, kind=kind)
    if kind == "score":
        raise ExpressionFault("a score is written as text")
    return parse_tree(source)
