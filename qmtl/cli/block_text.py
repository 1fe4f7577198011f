"""The part of YAML that a file of runners needs: blocks of keys and lists, plain and quoted values, JSON on one line.

The client brings no YAML library along; what this does not know it refuses, with the line.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from qmtl.cli.failures import UsageError

KEY = re.compile(r"""(?P<key>[A-Za-z0-9_.-]+|"[^"]*"|'[^']*')\s*:(?:\s+(?P<rest>.*)|$)""")
WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
INTEGER = re.compile(r"[-+]?[0-9]+")
NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
OTHER_NUMBER = re.compile(r"0[xo][0-9a-fA-F]+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
NOT_KNOWN = tuple("&*!|>%@`?[{")


@dataclass(frozen=True)
class Line:
    number: int
    indent: int
    text: str

    def refuse(self, why: str) -> UsageError:
        return UsageError(f"line {self.number}: {why}")


def read_block(text: str) -> Any:
    """Its value. UsageError with the line for what is not in this part of YAML."""
    lines = lines_of(text)
    if not lines:
        return None
    value, rest = block(lines, lines[0].indent)
    if rest:
        raise rest[0].refuse("it stands further left than what it belongs to")
    return value


def lines_of(text: str) -> list[Line]:
    found: list[Line] = []
    for number, raw in enumerate(text.splitlines(), 1):
        content = without_comment(raw).rstrip()
        if not content.strip() or (content.strip() == "---" and not found):
            continue
        stripped = content.lstrip(" ")
        line = Line(number, len(content) - len(stripped), stripped)
        if stripped.startswith("\t"):
            raise line.refuse("it begins with a tab; use spaces")
        found.append(line)
    return found


def without_comment(text: str) -> str:
    """Up to a # that stands in no quotes and after a space."""
    quote = ""
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote and text[place - 1] != "\\" else quote
        elif letter in "\"'" and (place == 0 or text[place - 1] in " :-[{,"):
            quote = letter
        elif letter == "#" and (place == 0 or text[place - 1] in " \t"):
            return text[:place]
    return text


def block(lines: list[Line], indent: int) -> tuple[Any, list[Line]]:
    """The value of the lines that stand so far to the right, and the lines after them."""
    return sequence(lines, indent) if is_item(lines[0]) else mapping(lines, indent)


def is_item(line: Line) -> bool:
    return line.text == "-" or line.text.startswith("- ")


def sequence(lines: list[Line], indent: int) -> tuple[list[Any], list[Line]]:
    items: list[Any] = []
    while lines and lines[0].indent == indent and is_item(lines[0]):
        head, *lines = lines
        inner = head.text[1:].lstrip()
        if inner and KEY.fullmatch(inner) is None and not inner.startswith("- ") and inner != "-":
            items.append(scalar(head, inner))
            continue
        if inner:
            lines = [Line(head.number, indent + len(head.text) - len(inner), inner), *lines]
        value, lines = nested(lines, indent)
        items.append(value)
    return items, lines


def mapping(lines: list[Line], indent: int) -> tuple[dict[str, Any], list[Line]]:
    found: dict[str, Any] = {}
    while lines and lines[0].indent == indent and not is_item(lines[0]):
        head, *lines = lines
        matched = KEY.fullmatch(head.text)
        if matched is None:
            raise head.refuse(f"{head.text!r} is no `key: value`")
        key, rest = matched["key"].strip("\"'"), (matched["rest"] or "").strip()
        if key in found:
            raise head.refuse(f"{key} stands there twice")
        if rest:
            found[key] = scalar(head, rest)
        elif lines and is_item(lines[0]) and lines[0].indent == indent:
            found[key], lines = sequence(lines, indent)
        else:
            found[key], lines = nested(lines, indent)
    if lines and lines[0].indent > indent:
        raise lines[0].refuse("it stands further right than what it belongs to")
    return found, lines


def nested(lines: list[Line], indent: int) -> tuple[Any, list[Line]]:
    """What stands further to the right; nothing is null."""
    if not lines or lines[0].indent <= indent:
        return None, lines
    return block(lines, lines[0].indent)


def scalar(line: Line, text: str) -> Any:
    if text[0] in "[{":
        try:
            return json.loads(text)
        except ValueError:
            raise line.refuse(f"{text!r} is not JSON: write it so, or over several lines") from None
    if text[0] == '"':
        try:
            return json.loads(text)
        except ValueError:
            raise line.refuse(f"{text} is not well quoted") from None
    if text[0] == "'":
        if len(text) < 2 or not text.endswith("'") or "'" in text[1:-1].replace("''", ""):
            raise line.refuse(f"{text} is not well quoted")
        return text[1:-1].replace("''", "'")
    if text.startswith(NOT_KNOWN) or ": " in text or text.endswith(":") or OTHER_NUMBER.fullmatch(text):
        raise line.refuse(f"{text!r} is more YAML than is read here")
    if (word := text.lower()) in WORDS and text in {word, word.capitalize(), word.upper()}:
        return WORDS[word]
    if INTEGER.fullmatch(text):
        return int(text)
    return float(text) if NUMBER.fullmatch(text) else text
