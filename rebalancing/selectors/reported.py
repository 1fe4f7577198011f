"""Fills that came back of orders that were handed to a runner."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from rebalancing.domain.book import Strategy
from rebalancing.models import Order
from strategies.models import Fill

NEVER_SENT = frozenset({Order.Status.NEW, Order.Status.REFUSED})


class Reported(NamedTuple):
    """A fill as it was reported; `quantity` is signed, the venue "" where none was named."""

    strategy: Strategy
    venue: str
    symbol: str
    quantity: Fraction
    price: Fraction
    fee: Fraction


Reports = Mapping[str, Sequence[Reported]]
"""By order id."""


def reported_fills(orders: Iterable[Order]) -> Reports:
    """Of the live orders among these that were sent, what their own worlds have reported. One statement, or none.

    An order id is no secret: what a world reports that has no part in the order is not about it.
    """
    own = {each.order_id: worlds_in(each) for each in orders if each.mode == "live" and was_sent(each)}
    if not own:
        return {}
    rows = Fill.objects.filter(
        order_id__in=list(own), mode="live", binding__world__in=sorted(set().union(*own.values()))
    ).values_list(
        "order_id",
        "binding__world_id",
        "binding__strategy_id",
        "venue",
        "symbol",
        "side",
        "qty",
        "price",
        "fee",
    )
    found: dict[str, list[Reported]] = defaultdict(list)
    for order_id, world, strategy, venue, symbol, side, qty, price, fee in rows.order_by("ts", "pk"):
        if world in own[order_id]:
            quantity = Fraction(qty) if side == "buy" else -Fraction(qty)
            found[order_id].append(
                Reported((world, strategy), venue, symbol, quantity, Fraction(price), Fraction(fee))
            )
    return found


def was_sent(order: Order) -> bool:
    """Whether a runner has, or had, it: also of one that was taken back something may be filled."""
    return order.status not in NEVER_SENT and (order.status != Order.Status.CANCELLED or bool(order.executor))


def worlds_in(order: Order) -> set[str]:
    named = {part["world_id"] for part in order.parts}
    return named | {order.world_id} if order.world_id else named


def matching(order: Order, reports: Iterable[Reported]) -> list[Reported]:
    """Those that are of the order: its instrument, and the part, with its side, of a strategy in it. Of a proxy order,
    which is for no strategy, each strategy of its world may report.
    """
    wanted = {
        (part["world_id"], part["strategy_id"]): -1 if part["qty"].startswith("-") else 1
        for part in order.parts
    }
    side = -1 if order.side == "sell" else 1
    found = []
    for each in reports:
        sign = wanted.get(each.strategy, 0) if wanted else side
        if (each.venue, each.symbol) == (order.venue, order.symbol) and each.quantity * sign > 0:
            found.append(each)
    return found
