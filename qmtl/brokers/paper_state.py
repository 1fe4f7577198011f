"""The state of a paper broker as JSON, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from qmtl.brokers.account import Account
from qmtl.brokers.execution import Working
from qmtl.brokers.models import Bar
from qmtl.brokers.orders import Fill, Instrument, OrderStatus, Reject, Side, order_document, plain, read_order

VERSION = 1
PRICES = ("open", "high", "low", "close")


class Saved(NamedTuple):
    account: Account
    clock: datetime | None
    bars: dict[Instrument, Bar]
    left: dict[Instrument, Decimal]
    orders: list[Working]
    fills: list[Fill]


def state_document(saved: Saved) -> dict[str, Any]:
    return {
        "version": VERSION,
        "cash": plain(saved.account.cash),
        "positions": quantities(saved.account.held),
        "clock": saved.clock and saved.clock.isoformat(),
        "bars": [bar_document(bar) for bar in saved.bars.values()],
        "left": quantities(saved.left),
        "orders": [working_document(working) for working in saved.orders],
        "fills": [fill.document() | {"strategy_id": fill.strategy_id} for fill in saved.fills],
    }


def quantities(held: Mapping[Instrument, Decimal]) -> list[list[str]]:
    return [[name.symbol, name.venue, plain(qty)] for name, qty in held.items()]


def read_quantities(rows: Any) -> dict[Instrument, Decimal]:
    return {Instrument(symbol, venue): Decimal(qty) for symbol, venue, qty in rows}


def read_state(state: Mapping[str, Any]) -> Saved:
    if state.get("version") != VERSION:
        raise ValueError(f"this is no state of version {VERSION}")
    try:
        return Saved(
            account=Account(Decimal(state["cash"]), read_quantities(state["positions"])),
            clock=datetime.fromisoformat(state["clock"]) if state["clock"] else None,
            bars={Instrument(each["symbol"], each["venue"]): read_bar(each) for each in state["bars"]},
            left=read_quantities(state["left"]),
            orders=[read_working(each, place) for place, each in enumerate(state["orders"])],
            fills=[read_fill(each) for each in state["fills"]],
        )
    except (KeyError, TypeError, InvalidOperation) as error:
        raise ValueError(f"this is no state of a paper broker: {error!r}") from error


def bar_document(bar: Bar) -> dict[str, Any]:
    return {
        **asdict(bar),
        **{name: plain(getattr(bar, name)) for name in PRICES},
        "volume": None if bar.volume is None else plain(bar.volume),
        "ts": bar.ts.isoformat(),
    }


def read_bar(document: Mapping[str, Any]) -> Bar:
    volume = document["volume"]
    return Bar(
        **{
            **document,
            **{name: Decimal(document[name]) for name in PRICES},
            "volume": None if volume is None else Decimal(volume),
            "ts": datetime.fromisoformat(document["ts"]),
        }
    )


def working_document(working: Working) -> dict[str, Any]:
    return {
        "order": order_document(working.order),
        "status": working.status.value,
        "filled": plain(working.filled),
        "notional": plain(working.notional),
        "fee": plain(working.fee),
        "count": working.count,
        "reject": working.reject and working.reject.value,
        "reason": working.reason,
    }


def read_working(document: Mapping[str, Any], place: int) -> Working:
    return Working(
        place=place,
        order=read_order(document["order"]),
        status=OrderStatus(document["status"]),
        filled=Decimal(document["filled"]),
        notional=Decimal(document["notional"]),
        fee=Decimal(document["fee"]),
        count=int(document["count"]),
        reject=Reject(document["reject"]) if document["reject"] else None,
        reason=document["reason"],
    )


def read_fill(document: Mapping[str, Any]) -> Fill:
    return Fill(
        **{
            **document,
            "ts": datetime.fromisoformat(document["ts"]),
            "venue": document["venue"] or "",
            "side": Side(document["side"]),
            **{name: Decimal(document[name]) for name in ("qty", "price", "fee")},
        }
    )
