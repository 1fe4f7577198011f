"""Positions as they were told, or as an execution left them: written once, world by world."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import orjson

from qmtl_site.ledger.models import append
from rebalancing.domain.book import Positions
from rebalancing.domain.decimals import as_decimal, places_of
from rebalancing.domain.document import plain
from rebalancing.models import PositionSnapshot
from rebalancing.models.plans import PLACES


def keep_positions(
    positions: Positions,
    *,
    worlds: Sequence[str],
    run_id: str,
    origin: str,
    total_equity: Fraction,
    at: datetime,
) -> None:
    """A snapshot of each world, also of one that holds nothing."""
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    worth: dict[str, list[float]] = defaultdict(list)
    columns = (
        positions.worlds,
        positions.strategies,
        positions.symbols,
        positions.venues,
        positions.quantities,
        positions.marks,
    )
    for world, strategy, symbol, venue, qty, mark in zip(*columns, strict=True):
        rows[world].append(
            {
                "strategy_id": strategy,
                "symbol": symbol,
                "venue": venue or None,
                "qty": plain(as_decimal(qty)),
                "mark": plain(as_decimal(mark)),
            }
        )
        worth[world].append(float(qty) * float(mark))
    equity = f"{total_equity.numerator * 10**PLACES // total_equity.denominator}e-{PLACES}"
    append(
        [
            PositionSnapshot(
                world_id=world,
                run_id=run_id,
                origin=origin,
                count=len(rows[world]),
                gross_notional=math.fsum(map(abs, worth[world])),
                net_notional=math.fsum(worth[world]),
                total_equity=equity,
                positions=orjson.dumps(rows[world]).decode(),
                at=at,
            )
            for world in worlds
        ]
    )


def plain_fraction(value: Fraction) -> str:
    """A fraction of powers of ten as text."""
    places = places_of(value)
    return plain(Decimal(f"{int(value * 10**places)}e-{places}"))
