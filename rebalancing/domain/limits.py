"""What can be written down when a plan is executed: quantities and amounts of currency below 1e18."""

from __future__ import annotations

import numpy as np

from rebalancing.domain.book import Instrument
from rebalancing.domain.decimals import quotients, times
from rebalancing.domain.plan import Plan

LARGEST = 10**18
"""Two digits below what is stored, for costs and for the sums of a few executions."""
TOO_LARGE = "1e18 or more, in units or in currency"


def too_large(plan: Plan) -> Instrument | None:
    """The first instrument of which, gross, too much is held before the orders, or traded by them, or held after.

    Floats: what is next to the bound may be told as above it.
    """
    book, groups = plan.book, plan.account_groups
    changed = np.abs(plan.targets.changes.floats())
    held = quotients(book.gross_quantity, times(np.ones(len(book), dtype=np.int64), 10**book.quantity_places))
    worth = quotients(book.gross_value, times(np.ones(len(book), dtype=np.int64), 10**book.value_places))
    marks = plan.account.mark.floats()
    units = groups.sums(held + changed)
    amounts = groups.sums(worth) + groups.sums(changed) * marks
    found = np.flatnonzero(np.maximum(units, amounts) >= LARGEST)
    return book.instruments[groups.keys[found[0]]] if len(found) else None


def too_large_overlay(plan: Plan) -> str | None:
    """The proxy of the first order that is too large."""
    for order in plan.overlays:
        if max(abs(order.quantity), abs(order.notional)) >= LARGEST:
            return order.symbol
    return None
