"""The words of an expression."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from worlds.domain.expression.faults import ExpressionFault

MAX_TEXT_LENGTH: Final = 16_384
TokenKind: TypeAlias = Literal["number", "name", "word", "operator", "end"]

WORDS: Final = frozenset({"and", "or", "not"})
# A name comes before a number: 28d.total_return starts with digits. Dots belong to names.
_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    r"|(?P<name>(?:[0-9]+d\.)?[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<operator><=|>=|==|!=|[<>+\-*/()])",
    re.ASCII,
)
_HINTS: Final = {
    "=": "equality is written ==",
    "&": "a conjunction is written `and`",
    "|": "a disjunction is written `or`",
    "!": "a negation is written `not`",
    "%": "a percentage is written as a fraction: 5% is 0.05",
    "[": "there are no subscripts",
    ",": "there are no calls and no lists",
    '"': "there are no strings",
    "'": "there are no strings",
}


@dataclass(frozen=True, slots=True)
class Token:
    kind: TokenKind
    text: str
    position: int

    @property
    def value(self) -> float:
        return float(self.text)


def tokenize(source: str) -> list[Token]:
    """The tokens of `source`, ended by one of kind `end`.

    Raises `ExpressionFault` at the first character that belongs to no token.
    """
    if len(source) > MAX_TEXT_LENGTH:
        raise ExpressionFault(f"the expression is longer than {MAX_TEXT_LENGTH} characters", position=0)
    tokens: list[Token] = []
    position = 0
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None:
            raise _stray(source, position)
        if match.lastgroup != "space":
            tokens.append(_token(match, source))
        position = match.end()
    return [*tokens, Token("end", "", len(source))]


def _token(match: re.Match[str], source: str) -> Token:
    text, position = match.group(), match.start()
    match match.lastgroup:
        case "name":
            _require_boundary(source, match.end(), text, position)
            return Token("word" if text in WORDS else "name", text, position)
        case "number":
            _require_boundary(source, match.end(), text, position)
            if not math.isfinite(float(text)):
                raise ExpressionFault(f"the number {text[:20]} is too large", position=position)
            return Token("number", text, position)
        case _:
            return Token("operator", text, position)


def _require_boundary(source: str, end: int, text: str, position: int) -> None:
    """`1.5x`, `2.3.4` and `sharpe.` are misspelt words, not two words."""
    if end < len(source) and (source[end].isalnum() or source[end] in "._"):
        rest = re.match(r"[\w.]*", source[end : end + 20])
        raise ExpressionFault(f"cannot read {text[:40]}{rest.group() if rest else ''}", position=position)


def _stray(source: str, position: int) -> ExpressionFault:
    character = source[position]
    hint = _HINTS.get(character)
    return ExpressionFault(f"unexpected {character!r}" + (f": {hint}" if hint else ""), position=position)
