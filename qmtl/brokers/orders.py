"""Orders, what a broker says of them, and fills: exact decimals, aware times, frozen values."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

ID_LENGTH, TAG_LENGTH = 32, 8
"""What the exchanges with the shortest client order ids take, and the part of it that says whose order it is."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")


class Side(StrEnum):
    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"


class TimeInForce(StrEnum):
    GTC = "gtc"
    """Until it is filled or cancelled."""
    IOC = "ioc"
    """What does not fill at the first price is cancelled."""


class OrderStatus(StrEnum):
    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"

    @property
    def is_final(self) -> bool:
        return self in FINAL


FINAL = frozenset({OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED})


class Reject(StrEnum):
    """Why an order was refused, or what was left of it cancelled."""

    GATE_CLOSED = "gate_closed"
    NO_PRICE = "no_price"
    LOT = "lot"
    TICK = "tick"
    MIN_NOTIONAL = "min_notional"
    NO_FUNDS = "insufficient_funds"
    NOT_REDUCING = "not_reducing"
    SHORT = "short_not_allowed"
    UNKNOWN_SYMBOL = "unknown_symbol"
    REFUSED = "refused_by_broker"
    REQUESTED = "cancelled_on_request"
    NOT_FILLED = "not_filled_at_once"


class Instrument(NamedTuple):
    """What is traded, and where ("": the broker's only venue)."""

    symbol: str
    venue: str = ""


@dataclass(frozen=True, kw_only=True)
class Order:
    """An intention to trade. `qty` and `limit_price` are positive; ValueError for what could never be one.

    client_order_id: unique per broker for all time; the same order under the same id is the same order. 1 to 36 of
        `A-Za-z0-9_-`, as `client_order_id` makes them.
    ts: when it was decided; a fill is never earlier.
    reduce_only: it may take a position towards zero and never beyond.
    """

    client_order_id: str
    strategy_id: str
    symbol: str
    side: Side
    qty: Decimal
    ts: datetime
    type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    venue: str = ""

    def __post_init__(self) -> None:
        if _ID.fullmatch(self.client_order_id) is None:
            raise ValueError(f"{self.client_order_id!r} is no client order id")
        if not (self.qty.is_finite() and self.qty > 0):
            raise ValueError(f"an order of {self.qty}")
        if (self.limit_price is None) is (self.type is OrderType.LIMIT):
            raise ValueError("a limit order has a limit price, a market order has none")
        if self.limit_price is not None and not (self.limit_price.is_finite() and self.limit_price > 0):
            raise ValueError(f"a limit of {self.limit_price}")
        if self.ts.tzinfo is None:
            raise ValueError("the time of an order has a zone")

    @property
    def instrument(self) -> Instrument:
        return Instrument(self.symbol, self.venue)

    @property
    def signed(self) -> Decimal:
        """Positive to buy, negative to sell."""
        return self.qty * self.side.sign

    def is_same(self, other: Order) -> bool:
        """Whether it asks for the same thing. Not compared: `ts`, as a retry is later, and `reduce_only`, which a
        closed gate adds."""
        return all(getattr(self, name) == getattr(other, name) for name in ASKED)


FIELDS = [field.name for field in fields(Order)]
ASKED = [name for name in FIELDS if name not in {"ts", "reduce_only"}]


@dataclass(frozen=True, kw_only=True)
class OrderReport:
    """What became of an order so far. `average_price` and `fee` are of what is filled; `fee` in the quote currency."""

    order: Order
    status: OrderStatus
    filled: Decimal = Decimal(0)
    average_price: Decimal | None = None
    fee: Decimal = Decimal(0)
    reject: Reject | None = None
    reason: str = ""
    broker_order_id: str = ""

    @property
    def remaining(self) -> Decimal:
        return self.order.qty - self.filled

    @property
    def is_final(self) -> bool:
        return self.status.is_final


@dataclass(frozen=True, kw_only=True)
class Fill:
    """One execution, as `POST .../fills` takes it. `fill_id` is unique per strategy for all time; `fee` may be negative
    (a rebate) and is in the quote currency."""

    fill_id: str
    order_id: str
    strategy_id: str
    ts: datetime
    symbol: str
    side: Side
    qty: Decimal
    price: Decimal
    fee: Decimal
    mode: str
    venue: str = ""

    @property
    def instrument(self) -> Instrument:
        return Instrument(self.symbol, self.venue)

    @property
    def signed(self) -> Decimal:
        return self.qty * self.side.sign

    def document(self) -> dict[str, Any]:
        """The record of the fills endpoint, exact numbers as text."""
        return {
            "fill_id": self.fill_id,
            "order_id": self.order_id,
            "ts": self.ts.astimezone(UTC).isoformat(),
            "symbol": self.symbol,
            "venue": self.venue or None,
            "side": self.side.value,
            "qty": plain(self.qty),
            "price": plain(self.price),
            "fee": plain(self.fee),
            "mode": self.mode,
        }


def plain(number: Decimal) -> str:
    """A decimal without an exponent, without zeros at its end: one text for one number."""
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


def client_order_id(world_id: str, strategy_id: str, *parts: object) -> str:
    """The same id for the same parts (symbol, bar, purpose, ...): a restarted runner asks again under the id of the
    first time. It begins with the tag of its strategy, so that among all orders of an account its own are known."""
    return owner_tag(world_id, strategy_id) + digest(world_id, strategy_id, *parts)[: ID_LENGTH - TAG_LENGTH]


def owner_tag(world_id: str, strategy_id: str) -> str:
    return digest(world_id, strategy_id)[:TAG_LENGTH]


def owner_of(order_id: str, owners: Mapping[str, str]) -> str | None:
    """The strategy by whose tag a client order id begins; None for somebody else's."""
    return owners.get(order_id[:TAG_LENGTH])


def digest(*parts: object) -> str:
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).hexdigest()


def order_document(order: Order) -> dict[str, Any]:
    """An order as JSON can hold it; `read_order` reads it back."""
    # Not `asdict`, which copies each value: a runner writes all of its orders down again and again.
    document = {name: getattr(order, name) for name in FIELDS}
    for name in ("qty", "limit_price"):
        document[name] = None if document[name] is None else plain(document[name])
    return document | {"ts": order.ts.astimezone(UTC).isoformat()}


def read_order(document: Mapping[str, Any]) -> Order:
    limit = document["limit_price"]
    return Order(
        **{
            **document,
            "side": Side(document["side"]),
            "type": OrderType(document["type"]),
            "time_in_force": TimeInForce(document["time_in_force"]),
            "qty": Decimal(document["qty"]),
            "limit_price": None if limit is None else Decimal(limit),
            "ts": datetime.fromisoformat(document["ts"]),
        }
    )
