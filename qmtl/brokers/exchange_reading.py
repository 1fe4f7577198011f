"""What ccxt's unified structures say, as exact decimals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from qmtl.brokers.errors import BrokerMisuse
from qmtl.brokers.models import ZERO
from qmtl.brokers.orders import Fill, Order, OrderReport, OrderStatus, OrderType, Reject, Side, TimeInForce


def exact(value: Any) -> Decimal:
    """A number of ccxt; the shortest decimal that is this float."""
    return ZERO if value is None else Decimal(str(value))


@dataclass(frozen=True)
class Market:
    """`size`: units of the base currency in one contract; orders of contract markets are counted in contracts."""

    symbol: str
    base: str
    quote: str
    contract: bool
    size: Decimal
    min_notional: Decimal

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Market:
        if raw.get("inverse") or raw.get("option"):
            raise BrokerMisuse(f"{raw['symbol']}: inverse contracts and options are not traded")
        contract = bool(raw.get("contract"))
        return cls(
            symbol=raw["symbol"],
            base=raw["base"],
            quote=raw["settle"] if contract and raw.get("settle") else raw["quote"],
            contract=contract,
            size=exact(raw["contractSize"]) if contract and raw.get("contractSize") else Decimal(1),
            min_notional=exact(((raw.get("limits") or {}).get("cost") or {}).get("min")),
        )

    def amount(self, qty: Decimal) -> Decimal:
        """As the exchange counts it."""
        return qty / self.size

    def qty(self, amount: Any) -> Decimal:
        return exact(amount) * self.size

    def position(self, raw: Mapping[str, Any]) -> Decimal:
        """Signed, of a contract market."""
        qty = abs(self.qty(raw.get("contracts")))
        return -qty if raw.get("side") == "short" else qty

    def owned(self, totals: Mapping[str, Any]) -> Decimal:
        """Of a spot market: all of the base currency that is in the account."""
        return exact(totals.get(self.base))

    @staticmethod
    def fee(raw: Mapping[str, Any]) -> tuple[Decimal, str | None]:
        fee = raw.get("fee") or {}
        return exact(fee.get("cost")), fee.get("currency")


def read_report(
    raw: Mapping[str, Any], market: Market, *, order: Order | None, strategy_id: str = ""
) -> OrderReport:
    """An order of the exchange. `order`: as it was sent, where that is known."""
    order = order or read_order(raw, market, strategy_id)
    filled = market.qty(raw.get("filled"))
    average = raw.get("average")
    status, reject = status_of(str(raw.get("status") or "open"), filled, order.qty)
    return OrderReport(
        order=order,
        status=status,
        filled=filled,
        average_price=None if not filled or average is None else exact(average),
        fee=market.fee(raw)[0],
        reject=reject,
        reason=str(raw.get("status")) if reject else "",
        broker_order_id=str(raw["id"]),
    )


def status_of(status: str, filled: Decimal, qty: Decimal) -> tuple[OrderStatus, Reject | None]:
    if filled >= qty:
        return OrderStatus.FILLED, None
    match status:
        case "open":
            return (OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.OPEN), None
        case "rejected":
            return OrderStatus.REJECTED, Reject.REFUSED
        case "expired" | "closed":
            return OrderStatus.CANCELLED, Reject.NOT_FILLED
        case _:
            return OrderStatus.CANCELLED, Reject.REQUESTED


def read_order(raw: Mapping[str, Any], market: Market, strategy_id: str) -> Order:
    """What must have been asked for, from what the exchange remembers of it."""
    is_limit = raw.get("type") == "limit"
    return Order(
        client_order_id=str(raw["clientOrderId"]),
        strategy_id=strategy_id,
        symbol=market.symbol,
        side=Side(raw["side"]),
        qty=market.qty(raw["amount"]),
        ts=moment(raw),
        type=OrderType.LIMIT if is_limit else OrderType.MARKET,
        limit_price=exact(raw["price"]) if is_limit else None,
        time_in_force=TimeInForce.IOC
        if str(raw.get("timeInForce")).upper() == "IOC" and is_limit
        else TimeInForce.GTC,
        reduce_only=bool(raw.get("reduceOnly")),
    )


def read_fill(
    raw: Mapping[str, Any], market: Market, *, name: str, strategy_id: str, fee: Decimal, mode: str
) -> Fill:
    return Fill(
        fill_id=f"{market.symbol}:{raw['id']}",
        order_id=name,
        strategy_id=strategy_id,
        ts=moment(raw),
        symbol=market.symbol,
        side=Side(raw["side"]),
        qty=market.qty(raw["amount"]),
        price=exact(raw["price"]),
        fee=fee,
        mode=mode,
    )


def moment(raw: Mapping[str, Any]) -> datetime:
    milliseconds = raw.get("timestamp") or 0
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
