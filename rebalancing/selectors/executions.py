"""An execution as it is answered: its orders, and how far the positions are from the plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import orjson

from rebalancing.domain.book import Positions, Strategy
from rebalancing.domain.decimals import places_of
from rebalancing.domain.document import json_number, plain, plan_document
from rebalancing.domain.hedges import Weights, hedge_parts, holders_of
from rebalancing.domain.plan import Plan
from rebalancing.domain.settling import marks_of
from rebalancing.models import Execution, Order, PlanRecord
from rebalancing.models.plans import PLACES
from rebalancing.selectors.reported import Reported, Reports, matching, reported_fills

Owner = tuple[str, str, str, str]
"""World, strategy, venue, symbol."""
FLOAT_DIGITS = 15
"""A float of at most so many is written with just these."""


def execution_document(
    record: PlanRecord,
    plan: Plan,
    execution: Execution | None,
    orders: Sequence[Order],
    *,
    dry_run: bool = False,
    planned: Mapping[str, Any] | None = None,
    told: Sequence[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """`planned`, `told`: the documents of the plan and of its orders, where they are made already."""
    return {
        **(exact_document(record, plan) if planned is None else planned),
        "dry_run": dry_run,
        "status": "planned" if execution is None else str(execution.state),
        "orders": order_documents(orders) if told is None else list(told),
        "reconciliation": reconciliation(plan, orders),
    }


def exact_document(record: PlanRecord, plan: Plan) -> dict[str, Any]:
    """The answer as it was given, with all the digits of its numbers."""
    answer = orjson.loads(record.answer)
    return {**answer, **plan_document(plan), "run_id": record.run_id}


def order_documents(orders: Iterable[Order]) -> list[dict[str, Any]]:
    return [order_document(order) for order in orders]


def order_document(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "world_id": order.world_id,
        "mode": order.mode,
        "purpose": order.purpose,
        "symbol": order.symbol,
        "venue": order.venue or None,
        "side": order.side,
        "qty": number(order.qty),
        "reduce_only": order.purpose == "reduce",
        "status": str(order.status),
        "reason": order.reason,
        "code": order.code or None,
        "filled_qty": number(order.filled_qty),
        "average_price": None if order.average_price is None else number(order.average_price),
        "fee": number(order.fee),
        "executor": order.executor,
        "parts": [
            {
                "world_id": part["world_id"],
                "strategy_id": part["strategy_id"],
                "delta_qty": number(Decimal(part["qty"])),
            }
            for part in order.parts
        ],
    }


def number(value: Decimal | Fraction | int) -> Any:
    """A decimal as a number of JSON with all its digits."""
    if isinstance(value, Decimal):
        text = plain(value)
        return float(text) if len(text) <= FLOAT_DIGITS else orjson.Fragment(text)
    exactly = Fraction(value)
    places = places_of(exactly)
    return json_number(int(exactly * 10**places), places)


def start_of(plan: Plan) -> dict[Owner, Decimal]:
    """Positions as the plan was told."""
    book, unit = plan.book, plan.book.quantity_places
    return {owner_of(plan, row): Decimal(f"{int(book.quantity[row])}e-{unit}") for row in range(len(book))}


def owner_of(plan: Plan, row: int) -> Owner:
    book = plan.book
    world, strategy = book.strategies[book.strategy[row]]
    return (world, strategy, *book.instruments[book.instrument[row]])


def wanted_of(plan: Plan, orders: Sequence[Order], reports: Reports) -> dict[Owner, Fraction]:
    """Positions as they are when every order is filled."""
    positions: dict[Owner, Fraction] = defaultdict(Fraction)
    positions.update({owner: Fraction(quantity) for owner, quantity in start_of(plan).items()})
    unit = 10**plan.steps.places
    for row, quantity in zip(plan.shares.row.tolist(), plan.shares.quantity.tolist(), strict=True):
        positions[owner_of(plan, row)] += Fraction(int(quantity), unit)
    proxies = [order for order in orders if not order.parts]
    holders = holders_of(plan.book) if proxies else {}
    for order in proxies:
        for (world, strategy), quantity in proxy_parts(
            order, holders, reports.get(order.order_id, ())
        ).items():
            positions[world, strategy, order.venue, order.symbol] += quantity
    return positions


def proxy_parts(
    order: Order, holders: Mapping[str, Weights], reports: Sequence[Reported] = ()
) -> Mapping[Strategy, Fraction]:
    """Whose a proxy order is when all of it is filled: live, of those who report it; else of those who hold what it
    hedges."""
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


def held_of(plan: Plan, orders: Sequence[Order], reports: Reports) -> dict[Owner, Fraction]:
    """Positions as they are by what is filled: on paper by the orders, live by all that was reported under their ids,
    whether or not it is what they asked for.
    """
    positions: dict[Owner, Fraction] = defaultdict(Fraction)
    positions.update({owner: Fraction(quantity) for owner, quantity in start_of(plan).items()})
    holders = holders_of(plan.book) if any(not order.parts for order in orders) else {}
    for order in orders:
        if order.mode == "live":
            for each in reports.get(order.order_id, ()):
                positions[*each.strategy, each.venue, each.symbol] += each.quantity
        elif order.status == Order.Status.FILLED:
            for (world, strategy), quantity in booked_parts(order, holders).items():
                positions[world, strategy, order.venue, order.symbol] += quantity
    return positions


def booked_parts(order: Order, holders: Mapping[str, Weights]) -> Mapping[Strategy, Fraction]:
    """Of an order that is filled on paper, whose its fill is."""
    if not order.parts:
        return proxy_parts(order, holders)
    return {(part["world_id"], part["strategy_id"]): Fraction(part["qty"]) for part in order.parts}


def reconciliation(plan: Plan, orders: Sequence[Order], reports: Reports | None = None) -> dict[str, Any]:
    """Where the positions are not what the plan wants; `reports`: where they are known already."""
    known = reported_fills(orders) if reports is None else reports
    wanted, held = wanted_of(plan, orders, known), held_of(plan, orders, known)
    differences = [
        {
            "world_id": owner[0],
            "strategy_id": owner[1],
            "symbol": owner[3],
            "venue": owner[2] or None,
            "expected": number(wanted.get(owner, Fraction(0))),
            "actual": number(held.get(owner, Fraction(0))),
            "difference": number(held.get(owner, Fraction(0)) - wanted.get(owner, Fraction(0))),
        }
        for owner in sorted({*wanted, *held})
        if wanted.get(owner, 0) != held.get(owner, 0)
    ]
    return {"meets_plan": not differences, "differences": differences}


def positions_after(plan: Plan, orders: Sequence[Order], reports: Reports) -> Positions:
    """What is held after an execution, at the marks of the plan; what is flat is left out."""
    held = held_of(plan, orders, reports)
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
