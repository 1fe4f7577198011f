"""Columns of exact decimals: integers with one common power of ten, in NumPy arrays.

A number of JSON has been read as a float by the time it comes here. It means the shortest decimal that names that
float: 0.1 is one tenth. A decimal as text, or as `Decimal`, is taken as it stands.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[Any]
"""Whole numbers: int64 where all that is done with them fits, else Python's own (dtype object)."""
Index: TypeAlias = NDArray[np.int64]
Number: TypeAlias = float | int | Decimal

MOST_PLACES, MOST_DIGITS = 30, 18
"""Decimals that a number may have, and digits before its point."""
CERTAIN = 10**15
"""Two decimals of at most 15 digits are two floats: below it, a decimal that names a float is its shortest one."""
MOST_SHIFT = 22
"""Greatest power of ten that a float holds exactly."""
HELD = 2**53
"""Floats hold whole numbers up to it as they are."""
ROOM = 2.0**62
"""Sums that floats find below it, whatever they lost, fit into 64 bits."""


@dataclass(frozen=True)
class Decimals:
    """Column of `mantissas[i] / 10**places`."""

    mantissas: Ints
    places: int

    def fraction(self, row: int) -> Fraction:
        return Fraction(int(self.mantissas[row]), 10**self.places)


def exact(value: Number) -> Fraction:
    """The number that was meant; ValueError for what is not finite."""
    number = as_decimal(value)
    if not number.is_finite():
        raise ValueError("is not a finite number")
    return Fraction(number)


def as_decimal(value: Number) -> Decimal:
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def is_in_range(value: Decimal) -> bool:
    """Whether it is finite and has no more digits than are taken."""
    if not value.is_finite():
        return False
    places = value.as_tuple().exponent
    assert isinstance(places, int)
    return places >= -MOST_PLACES and value.copy_abs() < Decimal(10) ** MOST_DIGITS


def column(values: Sequence[Number]) -> Decimals:
    """The exact column of finite numbers, with as few places as carry all of them."""
    if isinstance(values, array) or set(map(type, values)) <= {float, int}:
        found = from_floats(np.asarray(values, dtype=np.float64))
        if found is not None:
            return found
    return from_decimals([as_decimal(value) for value in values])


def from_floats(values: NDArray[np.float64]) -> Decimals | None:
    """The shortest decimals of floats, for all at once; None where one of them has too many digits for that.

    m / 10**k is one correctly rounded division of two exact floats. Where it gives the float back and m is
    `CERTAIN`, m / 10**k is the decimal that was written.
    """
    if not values.size:
        return Decimals(np.zeros(0, dtype=np.int64), 0)
    largest = float(np.abs(values).max())
    for places in range(MOST_SHIFT + 1):
        if largest * 10.0**places >= CERTAIN:
            return None
        mantissas = np.rint(values * 10.0**places)
        if (mantissas / 10.0**places == values).all():
            return Decimals(mantissas.astype(np.int64), places)
    return None


def from_decimals(values: Sequence[Decimal]) -> Decimals:
    """Any finite decimals, as Python's integers unless they fit into 64 bits."""
    places = max((-int(value.as_tuple().exponent) for value in values), default=0)
    places = max(places, 0)
    ratios = (value.as_integer_ratio() for value in values)
    return Decimals(narrow([top * 10**places // bottom for top, bottom in ratios]), places)


def narrow(values: Sequence[int]) -> Ints:
    """As int64 where each fits with room for sums, else as objects."""
    if max((abs(value) for value in values), default=0) < HELD:
        return np.array(values, dtype=np.int64)
    return objects(values)


def objects(values: Sequence[int]) -> Ints:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def product(left: Ints, right: Ints, *, summed: bool = True) -> Ints:
    """left * right, exact, and such that any sum of it is exact as well, unless it is not `summed`."""
    if left.dtype != object and right.dtype != object:
        sizes = np.abs(left.astype(np.float64) * right.astype(np.float64))
        if not sizes.size or (sizes.sum() if summed else sizes.max()) < ROOM:
            return np.asarray(left * right)
    return np.asarray(left.astype(object) * right.astype(object))


def times(values: Ints, factor: int, *, summed: bool = True) -> Ints:
    """values * factor, exact; a sum of it as well, unless it is not `summed`."""
    return product(values, np.array(factor) if factor < CERTAIN else objects([factor]), summed=summed)


def quotients(top: Ints, bottom: Ints) -> Ints:
    """top / bottom as floats, each correctly rounded; bottom > 0."""
    if top.dtype == object or bottom.dtype == object or not is_held(bottom):
        return np.asarray(top.astype(object) / bottom, dtype=np.float64)
    return np.asarray(top / bottom) if is_held(top) else long_quotients(top, bottom)


def long_quotients(top: Ints, bottom: Ints) -> Ints:
    """The same where floats hold `bottom`, but not `top`."""
    whole, rest = np.divmod(np.abs(top), bottom)
    part = rest / bottom
    size = np.asarray(whole + part)
    # `part` was rounded before the sum was: that matters where what the sum lost is a tie, and nowhere else.
    lost, spacing = np.abs(part - (size - whole)), np.spacing(size)
    tied = (2 * lost == spacing) | (4 * lost == spacing) | (whole > HELD)
    for row in np.flatnonzero(tied).tolist():
        size[row] = abs(int(top[row])) / int(bottom[row])
    return np.where(top < 0, -size, size)


def is_held(values: Ints) -> bool:
    """Whether floats hold them as they are."""
    return not values.size or int(np.abs(values).max()) <= HELD


def summable(values: Ints) -> Ints:
    """The same column, such that any sum of it is exact."""
    if values.dtype != object and np.abs(values.astype(np.float64)).sum() >= ROOM:
        return values.astype(object)
    return values


def rounded(top: int, bottom: int) -> int:
    """top / bottom to the nearest whole number, halves away from zero."""
    size = (2 * abs(top) + bottom) // (2 * bottom)
    return -size if top < 0 else size


def places_of(value: Fraction) -> int:
    """Decimals that it needs; ValueError where no number of them is enough."""
    return places_of_bottom(value.denominator)


@lru_cache(maxsize=1024)
def places_of_bottom(bottom: int) -> int:
    twos = fives = 0
    while bottom % 2 == 0:
        bottom, twos = bottom // 2, twos + 1
    while bottom % 5 == 0:
        bottom, fives = bottom // 5, fives + 1
    if bottom != 1:
        raise ValueError("it is no decimal")
    return max(twos, fives)


def nearest_float(value: Fraction) -> float:
    """A float for people and estimates; infinite where it is beyond one."""
    return nearest_quotient(*value.as_integer_ratio())


def nearest_quotient(top: int, bottom: int) -> float:
    """The same of top / bottom."""
    try:
        return top / bottom
    except OverflowError:
        return math.copysign(math.inf, top)
