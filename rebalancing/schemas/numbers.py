"""Numbers as they are sent: JSON numbers mean their shortest decimal, text is taken digit by digit."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, PlainValidator, WithJsonSchema

from rebalancing.domain.decimals import MOST_DIGITS, MOST_PLACES, as_decimal, is_in_range, places_of

DECIMAL = re.compile(r"[+-]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][+-]?[0-9]{1,2})?")
ANY_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
LOT_PLACES = 18
KEPT = frozenset({float, int, str})  # not bool: it would be found as the 0 or 1 that it equals
BOUNDS = f"must be below 1e{MOST_DIGITS} and have at most {MOST_PLACES} decimals"
AS_TEXT = "as text it has at most 40 digits before its point, 40 behind it, and two in its exponent"


def read_decimal(value: Any, bounds: str = "is not read") -> Decimal:
    """A finite number; ValueError says what it should have been. `bounds`: what is said of too long a text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("must be a number, or a decimal as text")
    if isinstance(value, str) and not DECIMAL.fullmatch(value):
        known = ANY_DECIMAL.fullmatch(value)
        raise ValueError(f"{bounds}; {AS_TEXT}" if known else "must be a number, or a decimal as text")
    number = as_decimal(value)
    if not number.is_finite():
        raise ValueError("must be a finite number")
    return number


def read_bounded(value: Any) -> Decimal:
    number = read_decimal(value, BOUNDS)
    if not is_in_range(number):
        raise ValueError(BOUNDS)
    return number


def positive(number: Any) -> Any:
    if not number > 0:
        raise ValueError("must be above 0")
    return number


def not_negative(number: Any) -> Any:
    if number < 0:
        raise ValueError("must not be negative")
    return number


def read_fraction(value: Any) -> Fraction:
    return known(value) if type(value) in KEPT else new(value)


def new(value: Any) -> Fraction:
    return Fraction(read_bounded(value))


known = lru_cache(maxsize=65_536)(new)


def read_lot(value: Any) -> Fraction:
    return known_lot(value) if type(value) in KEPT else lot(value)


def lot(value: Any) -> Fraction:
    read: Fraction = positive(new(value))
    if places_of(read) > LOT_PLACES:
        raise ValueError(f"has at most {LOT_PLACES} decimals")
    return read


known_lot = lru_cache(maxsize=65_536)(lot)


def read_wide(value: Any) -> Fraction:
    """Only compared with, so it may have any size."""
    return Fraction(read_decimal(value))


SCHEMA = WithJsonSchema(
    {"anyOf": [{"type": "number"}, {"type": "string", "pattern": rf"^{DECIMAL.pattern}$"}]}
)
Quantity = Annotated[Decimal, PlainValidator(read_bounded), SCHEMA]
Mark = Annotated[Quantity, AfterValidator(positive)]
Exact = Annotated[Fraction, PlainValidator(read_fraction), SCHEMA]
Positive = Annotated[Exact, AfterValidator(positive)]
Lot = Annotated[Fraction, PlainValidator(read_lot), SCHEMA]
Threshold = Annotated[Fraction, PlainValidator(read_wide), SCHEMA, AfterValidator(not_negative)]
