"""Maps of names to numbers read at once: a look at all of them instead of one at each."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from rebalancing.schemas.columns import LABEL, NAME, are_names
from rebalancing.schemas.numbers import KEPT, known, known_lot

Fractions = dict[str, Fraction]
Validate = Callable[[Any], Fractions]


def as_fractions(value: Any, validate: Validate) -> Fractions:
    """Good fractions at once; where one is not good, each by itself, to tell which."""
    return by_name(value, NAME, known) or validate(value)


def as_lots(value: Any, validate: Validate) -> Fractions:
    """The same of lots."""
    return by_name(value, LABEL, known_lot) or validate(value)


def by_name(value: Any, longest: int, read: Callable[[Any], Fraction]) -> Fractions | None:
    """None where somebody has to look at each."""
    if type(value) is not dict or not are_names(value.keys(), longest):
        return None
    if not set(map(type, value.values())) <= KEPT:
        return None
    try:
        return dict(zip(value, map(read, value.values()), strict=True))
    except ValueError:
        return None
