"""JSON with the places of its parts; orjson decides what is JSON."""

from __future__ import annotations

import bisect
import re
from typing import Final

import orjson

from worlds.domain.policy.composing import MAX_DEPTH, Composer
from worlds.domain.policy.places import Place, Reading, Unreadable

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')
_LONGEST_NUMBER: Final = 400


def read_json(text: str) -> Reading:
    """The document that `text` says.

    Raises `Unreadable` where it is not JSON (NaN and 1e999 are not) or nested too deeply. Keys that are there
    twice are findings of the reading.
    """
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if "depth" in error.msg or "recursion" in error.msg:
            raise Unreadable(f"nested too deeply: at most {MAX_DEPTH} levels are allowed") from None
        raise Unreadable(f"not JSON: {error.msg}", error.lineno, error.colno) from None
    return _compose(text)


def _compose(text: str) -> Reading:
    """The values once more, this time with their places. The text is known to be JSON."""
    composer = Composer()
    lines = [0, *(match.end() for match in re.finditer("\n", text))]
    for match in _TOKEN.finditer(text):
        token, start = match.group(), match.start()
        line = bisect.bisect_right(lines, start)
        place = (line, start - lines[line - 1] + 1)
        if token in "}]":
            composer.end()
        elif token in "{[":
            composer.begin({} if token == "{" else [], place)
        elif token not in ":,":
            _scalar(composer, token, place)
    return composer.reading()


def _scalar(composer: Composer, token: str, place: Place) -> None:
    if len(token) > _LONGEST_NUMBER and token[0] != '"':
        raise Unreadable(f"the number {token[:20]}... has too many digits", *place)
    value = orjson.loads(token)
    if composer.wants_key():
        composer.key(value, place)
        return
    unescaped = isinstance(value, str) and len(value) == len(token) - 2
    composer.add(value, place, inline=(place[0], place[1] + 1) if unescaped else None)
