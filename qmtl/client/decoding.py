"""Answers as typed documents: dataclasses that ignore keys that they do not know, so that the service may grow."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, Union

from qmtl.client.errors import UnexpectedAnswer

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Document:
    """An answer of the service; `raw` is all of it, also what this client does not know."""

    raw: Mapping[str, Any] = field(repr=False, compare=False, default_factory=dict)


def decode(kind: Any, data: Any, at: str = "") -> Any:
    """A value of the type, e.g. a Document, `list[Document]`, `datetime | None`. UnexpectedAnswer where it is none."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any or kind is object:
        return data
    if origin is Union or origin is types.UnionType:
        if data is None and type(None) in arguments:
            return None
        (first, *_) = [each for each in arguments if each is not type(None)]
        return decode(first, data, at)
    if origin in (list, tuple):
        if not isinstance(data, list):
            raise unexpected(at, "a list", data)
        items = [decode(arguments[0], each, f"{at}/{place}") for place, each in enumerate(data)]
        return items if origin is list else tuple(items)
    if origin is dict:
        if not isinstance(data, Mapping):
            raise unexpected(at, "an object", data)
        return {name: decode(arguments[1], each, f"{at}/{name}") for name, each in data.items()}
    if dataclasses.is_dataclass(kind):
        return decode_document(kind, data, at)
    return decode_plain(kind, data, at)


def decode_document(kind: Any, data: Any, at: str) -> Any:
    if not isinstance(data, Mapping):
        raise unexpected(at, "an object", data)
    values: dict[str, Any] = {"raw": data}
    for name, key, hint, required in plan(kind):
        if key in data:
            values[name] = decode(hint, data[key], f"{at}/{key}")
        elif required:
            raise UnexpectedAnswer(f"The answer has no {at}/{key}")
    return kind(**values)


@cache
def plan(kind: Any) -> list[tuple[str, str, Any, bool]]:
    """(field, key, type, required) of a document. A field ends in _ where its key is a word of Python."""
    hints = typing.get_type_hints(kind)
    missing = dataclasses.MISSING
    return [
        (
            each.name,
            each.name.rstrip("_"),
            hints[each.name],
            each.default is missing and each.default_factory is missing,
        )
        for each in dataclasses.fields(kind)
        if each.name != "raw"
    ]


def decode_plain(kind: Any, data: Any, at: str) -> Any:
    if kind is datetime:
        try:
            return datetime.fromisoformat(data)
        except (TypeError, ValueError):
            raise unexpected(at, "a time", data) from None
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if isinstance(kind, type) and not (
        isinstance(data, kind) and (kind is bool or not isinstance(data, bool))
    ):
        raise unexpected(at, kind.__name__, data)
    return data


def unexpected(at: str, wanted: str, data: Any) -> UnexpectedAnswer:
    return UnexpectedAnswer(f"The answer's {at or 'document'} should be {wanted}, not {str(data)[:60]!r}")
