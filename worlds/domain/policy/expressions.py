"""Expressions as values of the document: written as text or as a tree, kept as the compiled tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, cast, get_args

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from worlds.domain.expression import (
    Condition,
    Expression,
    ExpressionFault,
    ExpressionKind,
    Quantity,
    parse_expression,
    to_text,
)

EXPRESSION_ERROR: Final = "expression"
DEFINED_AS: Final = "x-defined-as"
"""Mark of a schema that is one of SCHEMAS."""


def _validator(kind: ExpressionKind) -> Any:
    def validate(value: object) -> Expression:
        if isinstance(value, get_args(Expression)):
            return cast(Expression, value)
        if not isinstance(value, str | Mapping):
            form = "text" if kind == "score" else "text, or a mapping with all, any, not or metric"
            raise PydanticCustomError("expression_type", "must be {form}", {"form": form})
        try:
            return parse_expression(value, kind=kind)
        except ExpressionFault as fault:
            # The faults ride in the context: one value may have several, each at its own place.
            raise PydanticCustomError(EXPRESSION_ERROR, "{fault}", {"fault": fault}) from None

    return validate


_WRITTEN = PlainSerializer(to_text, return_type=str)

Gate = Annotated[
    Condition, PlainValidator(_validator("gate")), _WRITTEN, WithJsonSchema({DEFINED_AS: "Gate"})
]
Score = Annotated[
    Quantity, PlainValidator(_validator("score")), _WRITTEN, WithJsonSchema({DEFINED_AS: "Score"})
]

_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": 16384}
SCHEMAS: Final[dict[str, Any]] = {
    "Gate": {
        "description": "Comparisons of metrics joined with and, or, not: as text, or as a tree.",
        "anyOf": [
            {**_TEXT, "examples": ["sharpe >= 1.5 and max_drawdown >= -0.2"]},
            {"$ref": "#/$defs/GateOfAll"},
            {"$ref": "#/$defs/GateOfAny"},
            {"$ref": "#/$defs/GateNot"},
            {"$ref": "#/$defs/GateRange"},
        ],
    },
    "GateOfAll": {
        "type": "object",
        "properties": {"all": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Gate"}}},
        "required": ["all"],
        "additionalProperties": False,
    },
    "GateOfAny": {
        "type": "object",
        "properties": {"any": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Gate"}}},
        "required": ["any"],
        "additionalProperties": False,
    },
    "GateNot": {
        "type": "object",
        "properties": {"not": {"$ref": "#/$defs/Gate"}},
        "required": ["not"],
        "additionalProperties": False,
    },
    "GateRange": {
        "type": "object",
        "properties": {
            "metric": {"type": "string", "minLength": 1, "maxLength": 96},
            "min": {"type": ["number", "null"]},
            "max": {"type": ["number", "null"]},
        },
        "required": ["metric"],
        "additionalProperties": False,
    },
    "Score": {
        **_TEXT,
        "description": "Arithmetic over metrics; the higher, the better.",
        "examples": ["sharpe", "sharpe - 2 * volatility"],
    },
}
