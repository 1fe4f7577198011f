"""What stands in a document of JSON and no reader should guess: numbers beyond a float, keys that stand twice.

Only documents in which something of it was seen are looked at here: a second, slower reading that tells the place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import inf
from typing import Any, Final

import numpy as np

from qmtl_site.http.refusals import BadRequest, Fault

STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
NUMBER = re.compile(rb"[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
ZEROS: Final = b"0" * 300
"""More than stand behind the point of any float that is not 0."""
EXPONENT: Final = int.from_bytes(b"e-", "little")
DIGITS: Final = 3
"""Of an exponent that takes a number below all floats."""
MOST_TOLD = 100


@dataclass(frozen=True)
class Odd:
    """Stands in the place of what is not guessed."""

    detail: str


LARGE = Odd("is a number beyond 1.8e308, more than can be read")
SMALL = Odd("is a number so close to 0 that it would be read as 0")


class Twice(dict[str, Any]):
    """An object in which `key` stands twice."""

    key: str = ""


LOOKED_INTO: frozenset[Any] = frozenset({Odd, Twice, dict, list})


def may_vanish(raw: bytes) -> bool:
    """Whether there may be a number that is not 0 and is read as 0: its exponent has three digits, or it has very many
    zeros."""
    return any(has_exponent(raw, first) for first in (0, 1)) or ZEROS in raw


def has_exponent(raw: bytes, first: int) -> bool:
    """Whether such an exponent stands at one of the places `first`, `first` + 2, ...: NumPy looks at all at once."""
    count = (len(raw) - first - DIGITS) // 2
    if count < 1:
        return False
    places = np.flatnonzero(np.frombuffer(raw, "<u2", count, first) | 0x20 == EXPONENT)
    if not places.size:
        return False
    text = np.frombuffer(raw, np.uint8)
    following = text[(2 * places + first)[:, None] + np.arange(2, 2 + DIGITS)]
    return bool(((following >= ord("0")) & (following <= ord("9"))).all(axis=1).any())


def vanishes(raw: bytes) -> bool:
    """Whether such a number stands there outside of strings."""
    return any(is_lost(each.decode()) for each in NUMBER.findall(STRING.sub(b'""', raw)))


def is_lost(literal: str) -> bool:
    return float(literal) == 0 and bool(literal.lower().partition("e")[0].strip("-0."))


def oddities(raw: bytes) -> Iterator[Fault]:
    """Each with its pointer, in their order; none where the text cannot be read a second time."""
    try:
        value = json.loads(
            raw, parse_int=number, parse_float=number, parse_constant=number, object_pairs_hook=pairs
        )
    except (ValueError, RecursionError):
        return
    if isinstance(value, Odd):
        yield Fault("", value.detail)
    below: list[Iterator[tuple[str, Any]]] = [members("", value)]
    while below:
        pointer, item = next(below[-1], ("", None))
        if item is None:
            below.pop()
        elif isinstance(item, Odd):
            yield Fault(pointer, item.detail)
        else:
            below.append(members(pointer, item))


def members(pointer: str, item: Any) -> Iterator[tuple[str, Any]]:
    """What is odd directly in an object or a list, and the objects and lists in it, each with its pointer."""
    if isinstance(item, Twice):
        yield at(pointer, item.key), Odd(f"the key {item.key[:80]!r} stands twice in one object")
    named = item.items() if isinstance(item, dict) else enumerate(item) if isinstance(item, list) else ()
    for name, child in named:
        if type(child) in LOOKED_INTO:
            yield at(pointer, str(name)), child


def number(text: str) -> Any:
    value = float(text)
    if value and abs(value) != inf:
        return value
    if value:
        return LARGE
    return SMALL if is_lost(text) else value


def pairs(written: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(written)
    if len(found) == len(written):
        return found
    twice = Twice(found)
    names = [name for name, _ in written]
    twice.key = next(name for name in names if names.count(name) > 1)
    return twice


def at(pointer: str, part: str) -> str:
    """JSON pointer (RFC 6901) of a member."""
    text = part[:200].encode(errors="replace").decode()  # of a lone surrogate no answer could be made
    return f"{pointer}/{text.replace('~', '~0').replace('/', '~1')}"


def refuse_oddities(raw: bytes, otherwise: str = "") -> None:
    """BadRequest with the places of what is odd; with `otherwise` also where none was found."""
    faults = list(islice(oddities(raw), MOST_TOLD))
    if faults:
        first = faults[0]
        raise BadRequest(f"{first.pointer or 'The body'}: {first.detail}", faults=faults)
    if otherwise:
        raise BadRequest(otherwise)
