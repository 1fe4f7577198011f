"""What runners report of orders that were handed to them: filled when it is all there, ended when it is more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from rebalancing.domain.book import Strategy
from rebalancing.domain.decimals import rounded
from rebalancing.models import Order
from rebalancing.models.plans import DIGITS, PLACES
from rebalancing.selectors.reported import Reported, Reports, matching

OVERFILLED = "E_OVERFILLED"
NOT_FILLED = "E_NOT_FILLED"
"""Its runner said that the broker does not fill it; it has it still, and tries it again when it is asked to."""
UNIT = 10**PLACES
MOST = 10**DIGITS - 1
"""What is kept of a number, in steps of 10**-18."""


def take_reported(orders: Sequence[Order], reports: Reports, *, at: datetime) -> list[Order]:
    """Note the fills of orders that are handed; those of which something is new."""
    return [each for each in orders if take(each, reports.get(each.order_id, ()), at)]


def take(order: Order, reports: Sequence[Reported], at: datetime) -> bool:
    """Filled when each strategy has its part (a proxy order: when its quantity is there), or more than it."""
    mine = matching(order, reports)
    before = order.filled_qty, order.average_price, order.fee
    if not mine:
        return False
    got: dict[Strategy, Fraction] = defaultdict(Fraction)
    for each in mine:
        got[each.strategy] += each.quantity
    sign = -1 if order.side == "sell" else 1
    total = sum(got.values(), Fraction(0)) * sign
    size = sum((abs(each.quantity) for each in mine), Fraction(0))
    order.filled_qty = kept(max(total, Fraction(0))) if order.qty else Decimal(0)
    order.average_price = kept(sum((abs(each.quantity) * each.price for each in mine), Fraction(0)) / size)
    order.fee = kept(sum((each.fee for each in mine), Fraction(0)))
    wanted = {(part["world_id"], part["strategy_id"]): abs(Fraction(part["qty"])) for part in order.parts}
    pairs = (
        [(abs(got[owner]), quantity) for owner, quantity in wanted.items()]
        if wanted
        else [(total, Fraction(order.qty))]
    )
    if all(found >= quantity for found, quantity in pairs):
        order.fill()
        if order.code == NOT_FILLED:
            order.code = order.reason = ""
        if any(found > quantity for found, quantity in pairs):
            order.code, order.reason = OVERFILLED, "more was filled than was asked for"
    elif before == (order.filled_qty, order.average_price, order.fee):
        return False
    order.updated_at = at
    return True


def kept(value: Fraction) -> Decimal:
    """As a column holds it: to 18 decimals, and at its bound where it is beyond that."""
    units = max(-MOST, min(MOST, rounded(value.numerator * UNIT, value.denominator)))
    return Decimal(f"{units}e-{PLACES}")
