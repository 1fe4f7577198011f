"""Columns of exact ratios, and their sums over groups of rows."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

import numpy as np

from rebalancing.domain.decimals import HELD, Index, Ints, objects, places_of_bottom, product, quotients
from rebalancing.domain.terms import Doubt, Doubtful

TOO_LONG = "too many fractions of too many digits meet in one instrument: round them"
FEW_BITS = 1024
"""Up to this size, one denominator for all rows, or for those of a group, costs less than a sum by pairs."""
LONG_BITS, MOST_BITS = 4096, 2**20
"""Denominators above the first are long; all long ones of a plan have at most the second together: about a second."""


@dataclass(frozen=True)
class Groups:
    """Rows that belong together: `order` sorts the rows by their group, `starts` says where each begins in it.

    `of_row[i]` is the group of row i; groups are in the order of their keys `keys`.
    """

    order: Index
    starts: Index
    of_row: Index
    keys: Index

    def __len__(self) -> int:
        return len(self.keys)

    def sums(self, values: Ints) -> Ints:
        """Sum per group; exact, as the column is `summable`."""
        if not len(self):
            return values[:0]
        return np.asarray(np.add.reduceat(values[self.order], self.starts))

    def any(self, flags: Ints) -> Ints:
        if not len(self):
            return flags[:0]
        return np.asarray(np.logical_or.reduceat(flags[self.order], self.starts))


def grouped(keys: Index) -> Groups:
    """Rows by their key, in time n log n."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    begins = np.ones(len(keys), dtype=bool)
    begins[1:] = ordered[1:] != ordered[:-1]
    of_row = np.empty(len(keys), dtype=np.int64)
    of_row[order] = np.cumsum(begins) - 1
    return Groups(order, np.flatnonzero(begins), of_row, ordered[begins])


@dataclass(frozen=True)
class Ratios:
    """Column of top / bottom, bottom > 0. Not reduced."""

    top: Ints
    bottom: Ints

    def __len__(self) -> int:
        return len(self.top)

    @cached_property
    def bottoms(self) -> set[int]:
        """Each denominator, once."""
        return set(self.bottom.tolist())

    def fraction(self, row: int) -> Fraction:
        return Fraction(int(self.top[row]), int(self.bottom[row]))

    def floats(self) -> Ints:
        """Nearest floats, for estimates."""
        return quotients(self.top, self.bottom)

    def places(self) -> int | None:
        """Decimals that carry each of them exactly; None where one of them has no end."""
        try:
            return max(map(places_of_bottom, self.bottoms), default=0)
        except ValueError:
            return None

    def kept(self, rows: Ints) -> Ratios:
        """The same column, zero where `rows` is False."""
        return Ratios(np.where(rows, self.top, 0), self.bottom)

    def summed(self, groups: Groups) -> Ratios:
        """Exact sum per group. Doubtful where no two rows share a denominator, and these are too many and too long."""
        if not len(groups):
            return Ratios(self.top[:0], self.bottom[:0])
        multiple = multiple_of(self.bottoms)
        if multiple is None and not are_short(self.bottom, groups):
            return self.summed_in_pairs(groups)
        own = self.bottom if multiple is not None and multiple < HELD else self.bottom.astype(object)
        bottom = np.lcm.reduceat(own[groups.order], groups.starts)
        widened = product(self.top, bottom[groups.of_row] // own)
        return Ratios(groups.sums(widened), bottom)

    def summed_in_pairs(self, groups: Groups) -> Ratios:
        tops, bottoms = self.top[groups.order].tolist(), self.bottom[groups.order].tolist()
        bounds = pairwise([*groups.starts.tolist(), len(tops)])
        sums = []
        room = MOST_BITS
        for start, end in bounds:
            sums.append(sum_of(tops[start:end], bottoms[start:end], room))
            bits = sums[-1][1].bit_length()
            room -= bits if bits > LONG_BITS else 0
        return Ratios(objects([top for top, _ in sums]), objects([bottom for _, bottom in sums]))


def multiple_of(bottoms: Collection[int]) -> int | None:
    """Least common multiple of all; None where it has more than `FEW_BITS`."""
    multiple = 1
    for bottom in bottoms:
        multiple = math.lcm(multiple, bottom)
        if multiple.bit_length() > FEW_BITS:
            return None
    return multiple


def are_short(bottoms: Ints, groups: Groups) -> bool:
    """Whether no group can have a common denominator of more than `FEW_BITS`."""
    bits = np.array([bottom.bit_length() for bottom in bottoms.tolist()], dtype=np.int64)
    return bool(groups.sums(bits).max() <= FEW_BITS)


def sum_of(tops: Sequence[int], bottoms: Sequence[int], room: int) -> tuple[int, int]:
    """Sum of ratios as (top, bottom), pair by pair: the long numbers meet at the end, and few of them.

    Doubtful where the denominator could have more bits than `room`: the time grows with their square.
    """
    known: dict[int, int] = {}
    for top, bottom in zip(tops, bottoms, strict=True):
        known[bottom] = known.get(bottom, 0) + top
    bits = sum(bottom.bit_length() for bottom in known)
    if bits > max(room, LONG_BITS):
        raise Doubtful([Doubt("/strategy_alloc_after_total", TOO_LONG)])
    sums = [(top, bottom) for bottom, top in known.items()]
    while len(sums) > 1:
        pairs = zip(sums[::2], sums[1::2], strict=False)
        sums = [added(one, other) for one, other in pairs] + sums[len(sums) - len(sums) % 2 :]
    return sums[0]


def added(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    """Of long denominators no common divisor is looked for: that takes longer than it saves."""
    (a, b), (c, d) = one, other
    shared = math.gcd(b, d) if b.bit_length() < LONG_BITS else 1
    return a * (d // shared) + c * (b // shared), b // shared * d


def nothing(rows: int) -> Ratios:
    return Ratios(np.zeros(rows, dtype=np.int64), np.ones(rows, dtype=np.int64))
