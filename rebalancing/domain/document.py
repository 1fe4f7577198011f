"""A plan as it is answered: plain values. Quantities and notionals are exact decimals, whatever their length."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Any

import numpy as np
import orjson

from rebalancing.domain.book import Book
from rebalancing.domain.decimals import CERTAIN, Ints, nearest_float, nearest_quotient
from rebalancing.domain.names import by_owner
from rebalancing.domain.plan import OverlayOrder, Plan, decimal_parts
from rebalancing.domain.settling import NOTIONAL_PLACES, Residual, Settled

Row = dict[str, Any]
ZEROS, BILLION = 9, 10**9  # zeros that most numbers end with: few quantities have more than nine decimals


def json_number(mantissa: int, places: int) -> float | orjson.Fragment:
    """mantissa / 10**places as a number of JSON with all its digits."""
    if places >= ZEROS and not mantissa % BILLION:
        mantissa, places = mantissa // BILLION, places - ZEROS
    if -CERTAIN < mantissa < CERTAIN:
        return float(mantissa / 10**places)  # its shortest text is this decimal
    return orjson.Fragment(decimal_text(mantissa, places))


def json_numbers(mantissas: Ints, places: int) -> list[float | orjson.Fragment]:
    """A column of them."""
    if mantissas.dtype != object and len(mantissas):
        if places >= ZEROS and not (mantissas % BILLION).any():
            mantissas, places = mantissas // BILLION, places - ZEROS
        if np.abs(mantissas).max() < CERTAIN:
            return list((mantissas / 10**places).tolist())
    return [json_number(mantissa, places) for mantissa in mantissas.tolist()]


def decimal_text(mantissa: int, places: int) -> str:
    """mantissa / 10**places, without zeros at its end."""
    digits = str(mantissa)
    if not places:
        return digits
    if len(digits) <= places + 1:  # nothing, or only a sign, before the point
        digits = digits.zfill(places + 1 + (mantissa < 0))
    text = f"{digits[:-places]}.{digits[-places:]}"
    return text if digits[-1] != "0" else text.rstrip("0").rstrip(".")


def plain(number: Decimal) -> str:
    """A decimal without an exponent, without zeros at its end."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def plan_document(plan: Plan) -> Row:
    """`per_world`, `global_deltas`, `residuals`, `cost_estimate`; `overlay_deltas` where the mode has them, and
    `attribution` where the account is shared.
    """
    document: Row = {
        "mode": plan.terms.mode,
        "shared_account": plan.terms.shared_account,
        "per_world": per_world(plan),
        "global_deltas": account_deltas(plan),
        "residuals": [residual_row(each) for each in plan.residuals],
        "cost_estimate": asdict(plan.cost),
    }
    if plan.terms.mode != "scaling":
        document["overlay_deltas"] = [overlay_row(order) for order in plan.overlays]
    if plan.terms.shared_account:
        document["attribution"] = attribution(plan)
    return document


def per_world(plan: Plan) -> dict[str, Row]:
    worlds: dict[str, Row] = {
        world: {
            "world_id": world,
            "scale_world": nearest_float(scale),
            "scale_by_strategy": {},
            "deltas": [],
        }
        for world, scale in plan.scales.of_world.items()
    }
    floats = {scale: nearest_quotient(*scale) for scale in plan.scales.distinct}
    scales = {world: row["scale_by_strategy"] for world, row in worlds.items()}
    for (world, strategy), scale in plan.scales.of_strategy.items():
        scales[world][strategy] = floats[scale]
    # Groups are in the order of their worlds: each has its orders beside each other.
    rows, owners = delta_rows(plan.worlds, plan.book), plan.world_of_group[plan.worlds.orders]
    for world, deltas in by_owner(rows, owners, plan.book.worlds).items():
        worlds[world]["deltas"] = deltas
    return worlds


def account_deltas(plan: Plan) -> list[Row]:
    return delta_rows(plan.account, plan.book)


def delta_rows(settled: Settled, book: Book) -> list[Row]:
    orders, symbols, venues = settled.orders, book.symbols, book.venues
    columns = (
        settled.instrument[orders].tolist(),
        json_numbers(settled.quantity[orders], settled.places),
        settled.notional[orders].tolist(),
    )
    return [
        {
            "symbol": symbols[instrument],
            "venue": venues[instrument],
            "delta_qty": quantity,
            "notional": notional,
        }
        for instrument, quantity, notional in zip(*columns, strict=True)
    ]


def overlay_row(order: OverlayOrder) -> Row:
    notional = round(order.notional * 10**NOTIONAL_PLACES)
    return {
        "world_id": order.world,
        "symbol": order.symbol,
        "venue": None,
        "delta_qty": json_number(*decimal_parts(order.quantity)),
        "notional": json_number(notional, NOTIONAL_PLACES),
    }


def residual_row(residual: Residual) -> Row:
    venue, symbol = residual.instrument
    return {
        "world_id": residual.world,
        "symbol": symbol,
        "venue": venue or None,
        "qty": json_number(residual.quantity, residual.places),
        "reason": residual.reason,
    }


def attribution(plan: Plan) -> list[Row]:
    """Parts of the orders, an order's parts beside each other; they sum exactly to it, or to 0 where there is none."""
    shares, book = plan.shares, plan.book
    symbols, venues = book.symbols, book.venues
    # In the order of instruments, which is that of their names; the rows of one are in the order of strategies.
    order = np.argsort(book.instrument[shares.row], kind="stable")
    rows = shares.row[order]
    columns = (
        book.instrument[rows].tolist(),
        book.strategy[rows].tolist(),
        json_numbers(shares.quantity[order], plan.steps.places),
    )
    return [
        {
            "symbol": symbols[instrument],
            "venue": venues[instrument],
            "world_id": book.strategies[owner][0],
            "strategy_id": book.strategies[owner][1],
            "delta_qty": quantity,
        }
        for instrument, owner, quantity in zip(*columns, strict=True)
    ]
