"""Which strategies an order is for: parts in whole steps that sum exactly to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebalancing.domain.book import Book
from rebalancing.domain.decimals import Index, Ints, quotients
from rebalancing.domain.ratios import Groups, Ratios
from rebalancing.domain.settling import Settled, Steps

KEY_BITS = 60
FIRST, NOT_YET, NEVER = 2**61, -(2**61), -(2**62)
"""Keys beside those of remainders, which are from 0 to 2**60."""
NEAR = 1 + 1e-6


@dataclass(frozen=True)
class Shares:
    """Rows of the book that have a part in an order (`group`), and how much of it: integers of 10**-places."""

    row: Index
    group: Index
    quantity: Ints


def attribute(deltas: Ratios, groups: Groups, settled: Settled, steps: Steps, book: Book) -> Shares:
    """Split each order into what its rows want of it.

    Each row first gets what it wants in whole steps, rounded against the order; the steps that are then missing go to
    the largest remainders, of equal ones to the first name. Before all others one goes to who would pass zero without
    it, and after all others to who would pass zero with it: so somebody does only where the sum leaves no other way.
    Rows that want the contrary have a negative part: they are who the others net against. Where all net out there is no
    order, and parts that sum to 0; where the minimum drops an order nobody has a part.
    """
    taken = ~settled.dropped[groups.of_row]
    rows = np.flatnonzero(taken & (deltas.top != 0).astype(bool))
    group = groups.of_row[rows]
    sign = np.where(settled.exact.top < 0, -1, 1)
    size = steps.sizes[settled.instrument]
    wanted = deltas.top[rows].astype(object) * sign[group] * 10**steps.places
    unit = deltas.bottom[rows].astype(object) * size[group]
    whole = wanted // unit
    rest = wanted - whole * unit
    key = (rest * 2**KEY_BITS // unit).astype(np.int64)
    is_odd = (rest != 0).astype(bool)
    for row in np.flatnonzero(near_zero(deltas, rows, steps, book) & is_odd).tolist():
        room = steps_held(int(rows[row]), steps, book)
        if -whole[row] > room:
            key[row] = FIRST
        elif whole[row] + 1 > room:
            key[row] += NOT_YET
    key[~is_odd] = NEVER
    got = np.zeros(len(sign), dtype=object)
    np.add.at(got, group, whole)
    missing = (np.abs(settled.quantity) // size - got)[group]
    whole = whole + (ranks(group, key) < missing)
    quantity = whole * size[group] * sign[group]
    part = np.flatnonzero(quantity != 0)
    return Shares(rows[part], group[part], quantity[part])


def near_zero(deltas: Ratios, rows: Index, steps: Steps, book: Book) -> Ints:
    """Rows that are to be reduced so far that a step more may pass zero. Floats: what is next to that is among them."""
    change = quotients(deltas.top[rows], deltas.bottom[rows])
    held = quotients(book.quantity[rows], np.full(len(rows), 10**book.quantity_places, dtype=object))
    step = quotients(steps.sizes, np.full(len(steps.sizes), 10**steps.places, dtype=object))
    left = np.abs(held) - np.abs(change)
    closing = left <= step[book.instrument[rows]] * NEAR + np.abs(held) * (NEAR - 1)
    return np.asarray((change * held < 0) & closing)


def steps_held(row: int, steps: Steps, book: Book) -> int:
    """How many whole steps the position of a row has."""
    size = int(steps.sizes[book.instrument[row]])
    return int(abs(int(book.quantity[row])) * 10**steps.places // (10**book.quantity_places * size))


def ranks(group: Index, key: Index) -> Index:
    """Place of each row in its group, the largest key first, of equal ones the first row."""
    order = np.lexsort((-key, group))
    ordered = group[order]
    begins = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(order) else order
    lengths = np.diff(np.r_[begins, len(order)])
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(begins, lengths)
    return rank
