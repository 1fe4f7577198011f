"""Strict JSON in, finished JSON out (orjson: refuses NaN, Infinity and 1e999, which the standard json takes)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import IO, Any

import numpy as np
import orjson
from django.http import HttpResponse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

from qmtl_site.http.refusals import BadRequest
from qmtl_site.http.unreadable import STRING, may_vanish, refuse_oddities, vanishes

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
MAX_DEPTH = 64
PLAIN = orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY
NESTING: frozenset[Any] = frozenset({dict, list})  # the parser makes no subclasses of them


def dump(document: Any) -> bytes:
    """JSON bytes of plain values, datetimes (RFC 3339, UTC) and NumPy scalars; NaN becomes null."""
    try:
        return orjson.dumps(document, option=PLAIN)
    except TypeError:
        # Keys that are no text: few documents have them, and to be ready for them slows all others down.
        return orjson.dumps(document, option=PLAIN | orjson.OPT_NON_STR_KEYS)


def load(raw: bytes) -> Any:
    """A JSON value; BadRequest with the place of the fault for anything else."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        said = f"The body is not JSON: {error.msg} (line {error.lineno} column {error.colno})"
        if "infinity" in error.msg:
            refuse_oddities(raw, otherwise=said)
        raise BadRequest(said) from None
    refuse_guesses(raw, value)
    if b"\\u0000" in raw:
        refuse_nul(value)
    return value


def refuse_guesses(raw: bytes, value: Any) -> None:
    """A key that stands twice in an object: parsers keep the last one, and the author may have meant the other. A number
    that is not 0 and is read as 0.

    Outside of strings there is one colon per written key; only where they are more than the keys that were
    kept is the text read a second time, slowly, for the place.
    """
    text = np.frombuffer(raw, dtype=np.uint8)  # counts several times as fast as `bytes.count`
    opened, colons = (text == ord("{")) | (text == ord("[")), text == ord(":")
    kept = keys_in(value, int(np.count_nonzero(opened)))
    # Mostly there are no colons in strings, and counting them all is enough.
    if np.count_nonzero(colons) > kept and STRING.sub(b"", raw).count(b":") > kept:
        refuse_oddities(raw)
    if may_vanish(raw) and vanishes(raw):
        refuse_oddities(raw)


def keys_in(value: Any, brackets: int) -> int:
    """How many keys all objects of a JSON value have together; BadRequest where it is nested deeper than anybody
    writes: other readers of the document would give up on it.

    `brackets`: how many of them open in the text, in strings as well. There are no more objects and lists than that:
    where all are found, nobody has to look for more of them.
    """
    total = found = 0
    level = [value] if type(value) in NESTING else []
    for _ in range(MAX_DEPTH):
        total += sum(map(len, level)) - sum(len(item) for item in level if type(item) is list)
        found += len(level)
        if found >= brackets:
            return total
        level = nested(item.values() if type(item) is dict else item for item in level)
        if not level:
            return total
    raise BadRequest(f"The body is nested too deeply: at most {MAX_DEPTH} levels are taken")


def nested(items: Iterable[Collection[Any]]) -> list[Any]:
    """The objects and lists directly in these. One look at all types that each holds: most hold none, or only such."""
    found: list[Any] = []
    for children in items:
        kinds = set(map(type, children))
        if not NESTING.isdisjoint(kinds):
            found += children if kinds <= NESTING else [child for child in children if type(child) in NESTING]
    return found


def refuse_nul(value: Any) -> None:
    """PostgreSQL's text cannot hold NUL: refuse it wherever it stands."""
    pending = [("", value)]
    while pending:
        pointer, item = pending.pop()
        if isinstance(item, str) and "\0" in item:
            raise BadRequest(f"The text at {pointer or '/'} contains a NUL character")
        if isinstance(item, dict):
            pending += [(f"{pointer}/{key}", key) for key in item]
            pending += [(f"{pointer}/{key}", child) for key, child in item.items()]
        elif isinstance(item, list):
            pending += [(f"{pointer}/{index}", child) for index, child in enumerate(item)]


class StrictJSONParser(BaseParser):
    """Takes every content type as JSON: a forgotten header is no reason to refuse a good document."""

    media_type = "*/*"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        return load(stream.read())


class DocumentRenderer(BaseRenderer):
    media_type = JSON
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return b"" if data is None else dump(data)


class AlwaysJSON(BaseContentNegotiation):
    """The service has one representation; whatever Accept says, it is JSON. Reports choose among theirs themselves."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        return parsers[0] if parsers else None

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


def finished(body: bytes, *, status: int = 200, media_type: str = JSON, **headers: str) -> HttpResponse:
    """A response of bytes that are already JSON; header names with underscores for dashes."""
    response = HttpResponse(body, status=status, content_type=media_type)
    for name, value in headers.items():
        response[name.replace("_", "-")] = value
    return response


class RawParser(BaseParser):
    """Keeps the body as it came, for documents whose text itself is kept."""

    media_type = "*/*"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        return stream.read()


class StoredJSON(json.JSONDecoder):
    """Reads `jsonb`, which keeps 1e20 as a whole number of 21 digits: beyond 64 bits it was a float."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs, parse_int=whole_or_float)


def whole_or_float(text: str) -> int | float:
    number = int(text)
    return number if -(2**63) <= number < 2**64 else float(text)
