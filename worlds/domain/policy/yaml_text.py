"""YAML 1.2 (core schema) as a policy may use it: one document, plain values, nothing clever."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from worlds.domain.policy.composing import Composer
from worlds.domain.policy.places import Place, Reading, Unreadable

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LONGEST_INTEGER: Final = 20


def read_yaml(text: str) -> Reading:
    """The document that `text` says.

    Raises `Unreadable` where it is not YAML, or more of it than a policy may use: several documents, anchors,
    aliases, tags, other versions, keys that are not text, numbers that are not finite.
    """
    # Events, not the library's composer: that one recurses and does not tell all duplicates.
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 2)
    composer = _YamlComposer()
    try:
        for event in yaml.parse(text):
            composer.take(event)
    except Unreadable:
        raise
    except MarkedYAMLError as error:
        raise _unreadable(error) from None
    except (YAMLError, ValueError, LookupError, ArithmeticError, TypeError, AttributeError) as error:
        # The scanner lets errors of its own through on hostile text, such as bad escapes and directives.
        raise Unreadable(f"not YAML: {' '.join(str(error).split())[:200]}") from None
    return composer.composer.reading()


def _unreadable(error: MarkedYAMLError) -> Unreadable:
    mark = error.problem_mark or error.context_mark
    problem = str(error.problem or error.context or "cannot be read")[:200]
    if mark is None:
        return Unreadable(f"not YAML: {problem}")
    return Unreadable(f"not YAML: {problem}", mark.line + 1, mark.column + 1)


class _YamlComposer:
    def __init__(self) -> None:
        self.composer = Composer()
        self.documents = 0

    def take(self, event: Event) -> None:
        place = (event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, DocumentStartEvent):
            self.document(event, place)
        elif isinstance(event, AliasEvent):
            raise Unreadable("aliases are not allowed", *place)
        elif isinstance(event, ScalarEvent | MappingStartEvent | SequenceStartEvent):
            self.node(event, place)
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            self.composer.end()

    def document(self, event: DocumentStartEvent, place: Place) -> None:
        self.documents += 1
        if self.documents > 1:
            raise Unreadable("more than one document", *place)
        if event.version not in (None, (1, 2)):
            raise Unreadable("only YAML 1.2 is read", *place)

    def node(self, event: Any, place: Place) -> None:
        if event.anchor is not None:
            raise Unreadable("anchors are not allowed", *place)
        if event.tag is not None:
            raise Unreadable("tags are not allowed", *place)
        is_key = self.composer.wants_key()
        if isinstance(event, ScalarEvent):
            value = _scalar(event)
            if not is_key:
                self.composer.add(value, place, inline=_inline(event, place))
            elif isinstance(value, str):
                self.composer.key(value, place)
            else:
                raise Unreadable(f"the key {event.value[:40]} is not text: write it in quotes", *place)
        elif is_key:
            raise Unreadable("a key is text, not a mapping or a list", *place)
        else:
            self.composer.begin({} if isinstance(event, MappingStartEvent) else [], place)


def _scalar(event: ScalarEvent) -> object:
    """Null, boolean and number only where plain; `yes`, `no`, `on`, dates and `1_000` are text.

    Numbers that no policy has become NaN or infinity, which are refused later, together with all else.
    """
    text = event.value
    if event.style is not None:
        return text
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return math.nan if _NOT_FINITE.fullmatch(text) else text


def _integer(text: str) -> int | float:
    if len(text) > _LONGEST_INTEGER:
        return math.inf
    return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))


def _inline(event: ScalarEvent, place: Place) -> Place | None:
    """Where the first character of the value stands, if all of it stands on that line just as it reads."""
    quotes = 0 if event.style is None else 1
    length = event.end_mark.index - event.start_mark.index
    if event.style not in (None, '"', "'") or length != len(event.value) + 2 * quotes:
        return None
    return (place[0], place[1] + quotes) if event.start_mark.line == event.end_mark.line else None
