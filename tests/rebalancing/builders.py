"""Terms and positions of plans, short enough to write by hand, and plans read back as plain fractions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import orjson

from rebalancing.domain.book import Positions
from rebalancing.domain.decimals import exact
from rebalancing.domain.document import plan_document
from rebalancing.domain.plan import Plan, decimal_parts, plan
from rebalancing.domain.terms import HybridTerms, OverlayTerms, Terms

Row = tuple[str, str, str, str, Any, Any]
"""world, strategy, venue, symbol, quantity, mark."""


def positions(rows: Iterable[Row]) -> Positions:
    columns = list(zip(*rows, strict=True)) or [()] * 6
    worlds, strategies, venues, symbols, quantities, marks = columns
    return Positions(worlds, strategies, symbols, venues, quantities, marks)


def fractions(given: Mapping[str, Any]) -> dict[str, Fraction]:
    return {name: exact(value) for name, value in given.items()}


def terms(before: Mapping[str, Any], after: Mapping[str, Any], **fields: Any) -> Terms:
    """Terms of plain numbers; `overlay` and `hybrid` are made below."""
    for name in ("strategies_before", "strategies_after"):
        if fields.get(name) is not None:
            fields[name] = {world: fractions(each) for world, each in fields[name].items()}
    fields["lots"] = fractions(fields.get("lots", {}))
    for name in ("total_equity", "min_trade_notional"):
        if name in fields:
            fields[name] = exact(fields[name])
    return Terms(
        **{
            "total_equity": Fraction(1_000_000),
            "before": fractions(before),
            "after": fractions(after),
            **fields,
        }
    )


def overlay(instruments: Mapping[str, str], prices: Mapping[str, Any], minimum: Any = 0) -> OverlayTerms:
    return OverlayTerms(instruments, fractions(prices), exact(minimum))


def hybrid(least: Any = 0, default: Any = 0, **bps: Any) -> HybridTerms:
    return HybridTerms(None if least is None else exact(least), fractions(bps), exact(default))


def decimal(value: Fraction) -> Decimal:
    mantissa, places = decimal_parts(value)
    return Decimal(f"{mantissa}E-{places}")


def planned(asked: Terms, rows: Iterable[Row]) -> Plan:
    return plan(asked, positions(rows))


def deltas(made: Plan) -> dict[tuple[str, str, str], Fraction]:
    """Orders of the worlds by (world, venue, symbol)."""
    owners = made.world_of_group.tolist()
    return {
        (made.book.worlds[owners[row]], *made.book.instruments[made.worlds.instrument[row]]): Fraction(
            int(made.worlds.quantity[row]), 10**made.worlds.places
        )
        for row in made.worlds.orders.tolist()
    }


def account(made: Plan) -> dict[tuple[str, str], Fraction]:
    """Orders of the account by (venue, symbol)."""
    return {
        made.book.instruments[made.account.instrument[row]]: Fraction(
            int(made.account.quantity[row]), 10**made.account.places
        )
        for row in made.account.orders.tolist()
    }


def wanted(made: Plan) -> dict[tuple[str, str, str], Fraction]:
    """Exact changes of the worlds, before any rounding."""
    owners = made.world_of_group.tolist()
    return {
        (
            made.book.worlds[owner],
            *made.book.instruments[made.worlds.instrument[row]],
        ): made.worlds.exact.fraction(row)
        for row, owner in enumerate(owners)
    }


def wanted_of_account(made: Plan) -> dict[tuple[str, str], Fraction]:
    return {
        made.book.instruments[made.account.instrument[row]]: made.account.exact.fraction(row)
        for row in range(len(made.account_groups))
    }


def parts(made: Plan) -> dict[int, Fraction]:
    """Sum of the parts of each order, by its group."""
    sums: dict[int, Fraction] = defaultdict(Fraction)
    for group, quantity in zip(made.shares.group.tolist(), made.shares.quantity.tolist(), strict=True):
        sums[group] += Fraction(quantity, 10**made.steps.places)
    return sums


def answered(made: Plan) -> Any:
    return orjson.loads(orjson.dumps(plan_document(made)))
