"""An execution as it is answered: its orders, and how far the positions are from the plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import orjson

from rebalancing.domain.book import Positions
from rebalancing.domain.decimals import places_of
from rebalancing.domain.document import json_number, plan_document
from rebalancing.domain.plan import Plan
from rebalancing.domain.settling import marks_of
from rebalancing.models import Execution, Order, PlanRecord

Owner = tuple[str, str, str, str]
"""World, strategy, venue, symbol."""


def execution_document(
    record: PlanRecord,
    plan: Plan,
    execution: Execution | None,
    orders: Sequence[Order],
    *,
    dry_run: bool = False,
) -> dict[str, Any]:
    return {
        **exact_document(record, plan),
        "dry_run": dry_run,
        "status": "planned" if execution is None else str(execution.state),
        "orders": [order_document(order) for order in orders],
        "reconciliation": reconciliation(plan, orders),
    }


def exact_document(record: PlanRecord, plan: Plan) -> dict[str, Any]:
    """The answer as it was given, with all the digits of its numbers."""
    answer = orjson.loads(record.answer)
    return {**answer, **plan_document(plan), "run_id": record.run_id}


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


def wanted_of(plan: Plan) -> dict[Owner, Fraction]:
    """Positions as they are when every order is filled."""
    positions = {owner: Fraction(quantity) for owner, quantity in start_of(plan).items()}
    unit = 10**plan.steps.places
    for row, quantity in zip(plan.shares.row.tolist(), plan.shares.quantity.tolist(), strict=True):
        positions[owner_of(plan, row)] += Fraction(int(quantity), unit)
    return positions


def held_of(plan: Plan, orders: Sequence[Order]) -> dict[Owner, Fraction]:
    """Positions as they are by what is filled. Of an order that is filled in part nothing is known by strategy yet."""
    positions: dict[Owner, Fraction] = defaultdict(Fraction)
    positions.update({owner: Fraction(quantity) for owner, quantity in start_of(plan).items()})
    for order in orders:
        if order.status == Order.Status.FILLED:
            for part in order.parts:
                owner = (part["world_id"], part["strategy_id"], order.venue, order.symbol)
                positions[owner] += Fraction(part["qty"])
    return positions


def reconciliation(plan: Plan, orders: Sequence[Order]) -> dict[str, Any]:
    """Where the positions are not what the plan wants."""
    wanted, held = wanted_of(plan), held_of(plan, orders)
    differences = [
        {
            "world_id": world,
            "strategy_id": strategy,
            "symbol": symbol,
            "venue": venue or None,
            "expected": number(wanted.get((world, strategy, venue, symbol), Fraction(0))),
            "actual": number(held.get((world, strategy, venue, symbol), Fraction(0))),
            "difference": number(
                held.get((world, strategy, venue, symbol), Fraction(0))
                - wanted.get((world, strategy, venue, symbol), Fraction(0))
            ),
        }
        for world, strategy, venue, symbol in sorted({*wanted, *held})
        if wanted.get((world, strategy, venue, symbol), 0) != held.get((world, strategy, venue, symbol), 0)
    ]
    open_proxies = [order for order in orders if not order.parts and order.status != Order.Status.FILLED]
    return {"meets_plan": not differences and not open_proxies, "differences": differences}


def positions_after(plan: Plan, orders: Sequence[Order]) -> Positions:
    """What is held after an execution, at the marks of the plan; what is flat is left out."""
    marks = marks_by_owner(plan)
    rows = [(owner, quantity) for owner, quantity in sorted(held_of(plan, orders).items()) if quantity]
    return Positions(
        worlds=[owner[0] for owner, _ in rows],
        strategies=[owner[1] for owner, _ in rows],
        venues=[owner[2] for owner, _ in rows],
        symbols=[owner[3] for owner, _ in rows],
        quantities=[as_decimal(quantity) for _, quantity in rows],
        marks=[marks[owner] for owner, _ in rows],
    )


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
