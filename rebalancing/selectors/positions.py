"""Positions by an execution: where they began, where its plan wants them, and where its fills have left them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from rebalancing.domain.book import Positions, Strategy
from rebalancing.domain.decimals import places_of
from rebalancing.domain.hedges import Weights, hedge_parts, holders_of
from rebalancing.domain.plan import Plan
from rebalancing.domain.settling import marks_of
from rebalancing.models import Order
from rebalancing.models.plans import PLACES
from rebalancing.selectors.reported import Reported, Reports, matching

Owner = tuple[str, str, str, str]
"""World, strategy, venue, symbol."""
Moves = dict[Owner, Fraction]


def start_of(plan: Plan) -> Moves:
    """Positions as the plan was told."""
    book, unit = plan.book, 10**plan.book.quantity_places
    return {owner_of(plan, row): Fraction(int(book.quantity[row]), unit) for row in range(len(book))}


def owner_of(plan: Plan, row: int) -> Owner:
    book = plan.book
    world, strategy = book.strategies[book.strategy[row]]
    return (world, strategy, *book.instruments[book.instrument[row]])


def wanted_of(plan: Plan, orders: Iterable[Order], reports: Reports) -> Moves:
    """Positions as they are when every order is filled; `orders`: at least the proxy orders."""
    positions: Moves = defaultdict(Fraction, start_of(plan))
    unit = 10**plan.steps.places
    for row, quantity in zip(plan.shares.row.tolist(), plan.shares.quantity.tolist(), strict=True):
        positions[owner_of(plan, row)] += Fraction(int(quantity), unit)
    proxies = [order for order in orders if not order.parts]
    holders = holders_of(plan.book) if proxies else {}
    for order in proxies:
        for owner, quantity in whole_of(order, holders, reports).items():
            positions[owner] += quantity
    return positions


def missing_of(plan: Plan, orders: Sequence[Order], reports: Reports) -> Moves:
    """What is left of these orders: what they want less what is filled of them. Of an order on paper that is filled
    nothing, so that it need not be among them; of a live one all counts that was reported under its id, whether or not
    it is what it asked for.
    """
    missing: Moves = defaultdict(Fraction)
    holders = holders_of(plan.book) if any(not order.parts for order in orders) else {}
    for order in orders:
        if order.mode == "paper" and order.status == Order.Status.FILLED:
            continue
        for owner, quantity in whole_of(order, holders, reports).items():
            missing[owner] += quantity
        for each in reports.get(order.order_id, ()):
            missing[*each.strategy, each.venue, each.symbol] -= each.quantity
    return {owner: quantity for owner, quantity in missing.items() if quantity}


def whole_of(order: Order, holders: Mapping[str, Weights], reports: Reports) -> Moves:
    """What the order moves when all of it is filled."""
    parts = order_parts(order, holders, reports.get(order.order_id, ()))
    return {(world, strategy, order.venue, order.symbol): size for (world, strategy), size in parts.items()}


def order_parts(
    order: Order, holders: Mapping[str, Weights], reports: Sequence[Reported] = ()
) -> Mapping[Strategy, Fraction]:
    """Whose an order is when all of it is filled. A proxy is for no strategy: live it is of those who report it, else
    of those who hold what it hedges."""
    if order.parts:
        return {(part["world_id"], part["strategy_id"]): Fraction(part["qty"]) for part in order.parts}
    parts: dict[Strategy, Fraction] = defaultdict(Fraction)
    for each in matching(order, reports):
        parts[each.strategy] += each.quantity
    missing = signed_fraction(order) - sum(parts.values(), Fraction(0))
    if not parts:
        return hedge_parts(missing, holders.get(order.world_id or "", ()), PLACES)
    parts[min(parts)] += missing
    return parts


def signed_fraction(order: Order) -> Fraction:
    return -Fraction(order.qty) if order.side == "sell" else Fraction(order.qty)


def positions_after(plan: Plan, orders: Sequence[Order], reports: Reports) -> Positions:
    """What is held after an execution, at the marks of the plan; what is flat is left out. `orders`: at least those of
    which something is missing, and the proxies."""
    held = wanted_of(plan, orders, reports)
    for owner, quantity in missing_of(plan, orders, reports).items():
        held[owner] -= quantity
    marks = {**marks_traded(held, orders, reports), **marks_by_owner(plan)}
    rows = [(owner, quantity) for owner, quantity in sorted(held.items()) if quantity]
    return Positions(
        worlds=[owner[0] for owner, _ in rows],
        strategies=[owner[1] for owner, _ in rows],
        venues=[owner[2] for owner, _ in rows],
        symbols=[owner[3] for owner, _ in rows],
        quantities=[as_decimal(quantity) for _, quantity in rows],
        marks=[marks[owner] for owner, _ in rows],
    )


def marks_traded(held: Iterable[Owner], orders: Sequence[Order], reports: Reports) -> dict[Owner, Decimal]:
    """For what only came by orders: the mark of the proxy, else the price at which it was traded."""
    prices = {(each.venue, each.symbol): as_decimal(each.price) for rows in reports.values() for each in rows}
    prices.update({(order.venue, order.symbol): order.mark for order in orders})
    proxies = {(order.world_id, order.venue, order.symbol): order.mark for order in orders if not order.parts}
    return {owner: proxies.get((owner[0], *owner[2:]), prices.get(owner[2:], Decimal(0))) for owner in held}


def marks_by_owner(plan: Plan) -> Mapping[Owner, Decimal]:
    marks = marks_of(plan.book, plan.groups)
    found: dict[Owner, Decimal] = {}
    for row, group in enumerate(plan.groups.of_row.tolist()):
        price = marks.fraction(group)
        found[owner_of(plan, row)] = Decimal(f"{price.numerator * 10**18 // price.denominator}e-18")
    return found


def as_decimal(value: Fraction) -> Decimal:
    places = places_of(value)
    return Decimal(f"{int(value * 10**places)}e-{places}")
