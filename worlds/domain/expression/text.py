"""From the tree to its canonical text and to its tree form."""

from __future__ import annotations

from typing import Any, Final

from worlds.domain.expression.nodes import (
    And,
    Arithmetic,
    Compare,
    Expression,
    Name,
    Not,
    Number,
    Or,
)

_OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _ATOM = range(7)
_ARITHMETIC: Final = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT}


def to_text(expression: Expression) -> str:
    """The canonical text: parsed again, it gives the same tree."""
    return _write(expression, _OR)


def to_tree(expression: Expression) -> dict[str, Any] | str:
    """The tree form of a gate; a score, which has none, is its text."""
    match expression:
        case And(terms):
            return {"all": [to_tree(term) for term in terms]}
        case Or(terms):
            return {"any": [to_tree(term) for term in terms]}
        case Not(term):
            return {"not": to_tree(term)}
        case Compare(">=", Name(name), Number(value)):
            return {"metric": name.text, "min": _plain(value)}
        case Compare("<=", Name(name), Number(value)):
            return {"metric": name.text, "max": _plain(value)}
        case _:
            return to_text(expression)


def _write(node: Expression, least: int) -> str:
    """The text of `node`, in parentheses where it binds less strongly than `least`."""
    text, power = _text_and_power(node)
    return f"({text})" if power < least else text


def _text_and_power(node: Expression) -> tuple[str, int]:
    match node:
        case Or(terms):
            return " or ".join(_write(term, _AND) for term in terms), _OR
        case And(terms):
            return " and ".join(_write(term, _NOT) for term in terms), _AND
        case Not(term):
            return f"not {_write(term, _NOT)}", _NOT
        case Compare(operator, left, right):
            return f"{_write(left, _SUM)} {operator} {_write(right, _SUM)}", _COMPARE
        case Arithmetic(operator, left, right):
            power = _ARITHMETIC[operator]
            # Operators of equal strength bind to the left, so an equally strong right side needs parentheses.
            return f"{_write(left, power)} {operator} {_write(right, power + 1)}", power
        case Number(value):
            return number_text(value), _ATOM
        case Name(name):
            return name.text, _ATOM


def number_text(value: float) -> str:
    return str(_plain(value))


def _plain(value: float) -> int | float:
    """Whole numbers without `.0`; the float itself where that would need many digits."""
    return int(value) if value.is_integer() and abs(value) < 1e15 else value
