"""An execution as it is answered: its orders, and how far the positions are from the plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import orjson
from django.db.models import Count, Q, QuerySet

from rebalancing.domain.decimals import places_of
from rebalancing.domain.document import json_number, plain, plan_document
from rebalancing.domain.plan import Plan
from rebalancing.models import Execution, Order, PlanRecord
from rebalancing.selectors.positions import missing_of, wanted_of
from rebalancing.selectors.reported import Reports, reported_fills, worlds_in
from rebalancing.selectors.unreported import unreported_of

FLOAT_DIGITS = 15
"""A float of at most so many is written with just these."""
MOST_SHOWN = 1_000
"""Orders, and deviations from the plan, in one answer; the rest is asked for in pages."""
PAPER_FILLED = Q(mode="paper", status=Order.Status.FILLED) & ~Q(parts=[])


@dataclass(frozen=True)
class Shown:
    """Orders of an execution as an answer has them: all, or the first ones. `counts`: of all, by status."""

    orders: Sequence[Order]
    counts: Mapping[str, int]

    @property
    def count(self) -> int:
        return sum(self.counts.values())

    @property
    def is_whole(self) -> bool:
        return len(self.orders) == self.count


def orders_of_execution(execution: Execution) -> QuerySet[Order]:
    return Order.objects.filter(execution=execution).order_by("place")


def counts_of(execution: Execution) -> dict[str, int]:
    rows = Order.objects.filter(execution=execution).values_list("status").annotate(count=Count("pk"))
    return dict(rows.order_by("status"))


def shown_of(execution: Execution) -> Shown:
    return Shown(list(orders_of_execution(execution)[:MOST_SHOWN]), counts_of(execution))


def unsettled_orders(execution: Execution) -> list[Order]:
    """Those that tell of positions beside the plan: all but what was filled on paper; proxies are always among them."""
    return list(orders_of_execution(execution).exclude(PAPER_FILLED))


def order_page(record: PlanRecord, limit: int, after: int, status: str | None) -> dict[str, Any]:
    """`{items, next_cursor}`: orders behind the place `after`, those that are sent first at the beginning."""
    rows = Order.objects.filter(execution=record.pk, place__gt=after).order_by("place")
    found = list((rows if status is None else rows.filter(status=status))[: limit + 1])
    shown = found[:limit]
    return {
        "items": order_documents(shown),
        "next_cursor": str(shown[-1].place) if len(found) > limit else None,
    }


def execution_document(
    record: PlanRecord,
    plan: Plan,
    execution: Execution | None,
    shown: Shown,
    *,
    dry_run: bool = False,
    planned: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """`planned`: the document of the plan, where it is made already."""
    document = {
        **(exact_document(record, plan) if planned is None else planned),
        "dry_run": dry_run,
        "status": "planned" if execution is None else str(execution.state),
        "orders": order_documents(shown.orders),
        "reconciliation": reconciliation_of(plan, execution, shown),
    }
    if not shown.is_whole:
        document |= {
            "order_counts": dict(shown.counts),
            "next_orders": f"/rebalancing/runs/{record.run_id}/orders?cursor={shown.orders[-1].place}",
        }
    return document


def reconciliation_of(plan: Plan, execution: Execution | None, shown: Shown) -> dict[str, Any]:
    """Of what was begun from all its orders; where many are open, or were only planned, from the first of them. Of what
    was withdrawn nobody asks any more."""
    if execution is not None and execution.state == Execution.State.WITHDRAWN:
        return {"meets_plan": False, "differences": []}
    if execution is None or shown.is_whole:
        return reconciliation(plan, shown.orders)
    if execution.state == Execution.State.COMPLETED:
        return reconciliation(plan, unsettled_orders(execution))
    rows = orders_of_execution(execution)
    first = [*rows.exclude(PAPER_FILLED).exclude(parts=[])[:MOST_SHOWN], *rows.filter(parts=[])]
    return {**reconciliation(plan, first), "is_whole": False}


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
        "worlds": sorted(worlds_in(order)),
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


def reconciliation(plan: Plan, orders: Sequence[Order], reports: Reports | None = None) -> dict[str, Any]:
    """Where the positions are not what the plan wants. `orders`: at least those of which something is missing, and the
    proxies; `reports`: where they are known already. `unreported`: worlds that change, and of which no positions were
    told; what they hold by their fills is compared."""
    known = reported_fills(orders) if reports is None else reports
    missing, untold = missing_of(plan, orders, known), unreported_of(plan)
    wanted = {**(wanted_of(plan, orders, known) if missing else {}), **untold.wanted}
    for owner, quantity in untold.held.items():
        missing[owner] = untold.wanted[owner] - quantity
    said: dict[str, Any] = {"unreported": list(untold.worlds)} if untold.worlds else {}
    if not missing:
        return {"meets_plan": True, "differences": [], **said}
    differences = [
        {
            "world_id": owner[0],
            "strategy_id": owner[1],
            "symbol": owner[3],
            "venue": owner[2] or None,
            "expected": number(wanted.get(owner, Fraction(0))),
            "actual": number(wanted.get(owner, Fraction(0)) - missing[owner]),
            "difference": number(-missing[owner]),
        }
        for owner in sorted(missing)[:MOST_SHOWN]
    ]
    found: dict[str, Any] = {"meets_plan": False, "differences": differences, **said}
    return found if len(missing) == len(differences) else {**found, "is_whole": False}
