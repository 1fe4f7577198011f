"""A document as plain values: only what JSON has, bounded, before its meaning is looked at."""

from __future__ import annotations

import math
import re
from typing import Final

from worlds.domain.policy.composing import MAX_DEPTH, MAX_VALUES
from worlds.domain.policy.faults import Finding, Path

LARGEST_INTEGER: Final = 2**53
MAX_STRING: Final = 20_000
_BROKEN = re.compile("[\0\ud800-\udfff]")


def findings_of(document: object) -> list[Finding]:
    """What makes `document` no plain value: other types, keys that are not text, wild numbers, broken text.

    Iterative and bounded: a structure that contains itself is too deep.
    """
    findings: list[Finding] = []
    stack: list[tuple[Path, object]] = [((), document)]
    seen = 0
    while stack:
        path, value = stack.pop()
        seen += 1
        if seen > MAX_VALUES:
            return [*findings, Finding((), f"more than {MAX_VALUES} values")]
        if len(path) > MAX_DEPTH:
            # Told at the top: the path itself would be as long as the nesting is deep.
            return [*findings, Finding((), f"nested too deeply: at most {MAX_DEPTH} levels are allowed")]
        if isinstance(value, dict):
            findings += [
                Finding(path, f"the key {str(key)[:40]} is not text") for key in value if not _is_text(key)
            ]
            stack += [((*path, key), item) for key, item in reversed(value.items()) if _is_text(key)]
        elif isinstance(value, list | tuple):
            stack += [((*path, index), item) for index, item in reversed(list(enumerate(value)))]
        elif message := _fault(value):
            findings.append(Finding(path, message))
    return findings


def _is_text(key: object) -> bool:
    return isinstance(key, str) and _text_fault(key) is None


def _fault(value: object) -> str | None:
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        return None if abs(value) <= LARGEST_INTEGER else "the number is too large"
    if isinstance(value, float):
        return None if math.isfinite(value) else "must be a finite number"
    if isinstance(value, str):
        return _text_fault(value)
    return f"a {type(value).__name__} is not a value of JSON"


def _text_fault(text: str) -> str | None:
    if len(text) > MAX_STRING:
        return f"text longer than {MAX_STRING} characters"
    if _BROKEN.search(text):
        return "the text has characters that are not allowed (NUL or half of a surrogate pair)"
    return None
