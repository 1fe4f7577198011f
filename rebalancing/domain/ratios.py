"""Columns of exact ratios, and their sums over groups of rows."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from rebalancing.domain.decimals import Index, Ints


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
    """Column of top / bottom: Python's integers (dtype object), bottom > 0. Not reduced."""

    top: Ints
    bottom: Ints

    def __len__(self) -> int:
        return len(self.top)

    def fraction(self, row: int) -> Fraction:
        return Fraction(int(self.top[row]), int(self.bottom[row]))

    def floats(self) -> Ints:
        """Nearest floats, for estimates."""
        return np.asarray(self.top / self.bottom, dtype=np.float64)

    def kept(self, rows: Ints) -> Ratios:
        """The same column, zero where `rows` is False."""
        return Ratios(np.where(rows, self.top, 0), self.bottom)

    def summed(self, groups: Groups) -> Ratios:
        """Exact sum per group, over the least common denominator of the group's own rows."""
        if not len(groups):
            return Ratios(self.top[:0], self.bottom[:0])
        bottom = np.lcm.reduceat(self.bottom[groups.order], groups.starts)
        widened = self.top * (bottom[groups.of_row] // self.bottom)
        return Ratios(groups.sums(widened), bottom)


def nothing(rows: int) -> Ratios:
    top, bottom = np.empty(rows, dtype=object), np.empty(rows, dtype=object)
    top[:], bottom[:] = 0, 1
    return Ratios(top, bottom)
