"""Columns of exact ratios, and their sums over groups of rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from rebalancing.domain.decimals import Index, Ints, product, quotients

LARGE = 2**53


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

    def fraction(self, row: int) -> Fraction:
        return Fraction(int(self.top[row]), int(self.bottom[row]))

    def floats(self) -> Ints:
        """Nearest floats, for estimates."""
        return quotients(self.top, self.bottom)

    def kept(self, rows: Ints) -> Ratios:
        """The same column, zero where `rows` is False."""
        return Ratios(np.where(rows, self.top, 0), self.bottom)

    def summed(self, groups: Groups) -> Ratios:
        """Exact sum per group, over the least common denominator of the group's own rows."""
        if not len(groups):
            return Ratios(self.top[:0], self.bottom[:0])
        own = self.bottom if have_small_multiple(self.bottom) else self.bottom.astype(object)
        bottom = np.lcm.reduceat(own[groups.order], groups.starts)
        widened = product(self.top, bottom[groups.of_row] // own)
        return Ratios(groups.sums(widened), bottom)


def have_small_multiple(bottoms: Ints) -> bool:
    """Whether their least common multiple, and so that of any of them, fits into 64 bits."""
    if bottoms.dtype == object:
        return False
    multiple = 1
    for bottom in np.unique(bottoms).tolist():
        multiple = math.lcm(multiple, bottom)
        if multiple >= LARGE:
            return False
    return True


def nothing(rows: int) -> Ratios:
    return Ratios(np.zeros(rows, dtype=np.int64), np.ones(rows, dtype=np.int64))
