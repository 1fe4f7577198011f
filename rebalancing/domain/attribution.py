"""Which strategies an order is for: parts in whole steps that sum exactly to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rebalancing.domain.decimals import Index, Ints
from rebalancing.domain.ratios import Groups, Ratios
from rebalancing.domain.settling import Settled, Steps

KEY_BITS = 60


@dataclass(frozen=True)
class Shares:
    """Rows of the book that have a part in an order (`group`), and how much of it: integers of 10**-places."""

    row: Index
    group: Index
    quantity: Ints


def attribute(deltas: Ratios, groups: Groups, settled: Settled, steps: Steps) -> Shares:
    """Split each order into what its rows want of it.

    Each row first gets what it wants in whole steps, rounded against the order; the steps that are then missing
    go to the largest remainders, of equal ones to the first name. Rows that want the contrary have a negative
    part: they are who the others net against. Where all net out there is no order, and parts that sum to 0; where
    the minimum drops an order nobody has a part.
    """
    taken = ~settled.dropped[groups.of_row]
    rows = np.flatnonzero(taken & (deltas.top != 0).astype(bool))
    group = groups.of_row[rows]
    sign = np.where(settled.exact.top < 0, -1, 1)
    size = steps.sizes[settled.instrument]
    wanted = deltas.top[rows].astype(object) * sign[group] * 10**steps.places
    unit = deltas.bottom[rows].astype(object) * size[group]
    whole = wanted // unit
    remainder = (wanted - whole * unit) * 2**KEY_BITS // unit
    got = np.zeros(len(sign), dtype=object)
    np.add.at(got, group, whole)
    missing = (np.abs(settled.quantity) // size - got)[group]
    whole = whole + (ranks(group, remainder.astype(np.int64)) < missing)
    quantity = whole * size[group] * sign[group]
    part = np.flatnonzero(quantity != 0)
    return Shares(rows[part], group[part], quantity[part])


def ranks(group: Index, key: Index) -> Index:
    """Place of each row in its group, the largest key first, of equal ones the first row."""
    order = np.lexsort((-key, group))
    ordered = group[order]
    begins = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(order) else order
    lengths = np.diff(np.r_[begins, len(order)])
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(begins, lengths)
    return rank
