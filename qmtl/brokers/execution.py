"""An order at work: what is filled of it, and at which price it would fill in a bar."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from qmtl.brokers.models import ZERO, Bar
from qmtl.brokers.orders import FINAL, Fill, Order, OrderReport, OrderStatus, OrderType, Reject, Side

WORDS = {
    Reject.REQUESTED: "cancelled as asked for",
    Reject.NOT_FILLED: "the rest did not fill at once",
    Reject.NOT_REDUCING: "there is nothing left to reduce",
    Reject.SHORT: "there is nothing left to sell",
    Reject.NO_FUNDS: "the account does not carry it",
}


def crossed(order: Order, price: Decimal) -> bool:
    """Whether a limit order fills at this price."""
    limit = order.limit_price
    return limit is not None and (price <= limit if order.side is Side.BUY else price >= limit)


@dataclass
class Working:
    """`place`: how many orders came before it."""

    order: Order
    place: int
    status: OrderStatus = OrderStatus.OPEN
    filled: Decimal = ZERO
    notional: Decimal = ZERO
    fee: Decimal = ZERO
    count: int = 0
    reject: Reject | None = None
    reason: str = ""

    @property
    def remaining(self) -> Decimal:
        return self.order.qty - self.filled

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    def take(self, fill: Fill) -> None:
        self.filled += fill.qty
        self.notional += fill.qty * fill.price
        self.fee += fill.fee
        self.count += 1
        self.status = OrderStatus.PARTIALLY_FILLED if self.remaining else OrderStatus.FILLED

    def end(self, reject: Reject, reason: str = "") -> None:
        """Nothing more fills: rejected where nothing did and nobody asked for it, else cancelled."""
        if self.is_final:
            return
        wanted = reject in {Reject.REQUESTED, Reject.NOT_FILLED}
        self.status = OrderStatus.CANCELLED if wanted or self.filled else OrderStatus.REJECTED
        self.reject, self.reason = reject, reason or WORDS.get(reject, "")

    def price_in(self, bar: Bar, *, whole: bool) -> tuple[Decimal, bool] | None:
        """Price before slippage, and whether the order was resting there; None where the bar does not fill it.

        `whole`: the order waited when the bar began; otherwise only the bar's end counts.
        """
        first = bar.open if whole else bar.close
        if self.order.type is OrderType.MARKET or crossed(self.order, first):
            return first, False
        limit = self.order.limit_price
        best = bar.low if self.order.side is Side.BUY else bar.high
        if whole and limit is not None and crossed(self.order, best):
            return limit, True
        return None

    def within_limit(self, price: Decimal) -> Decimal:
        """Slippage takes a price at most to the limit."""
        limit = self.order.limit_price
        if limit is None:
            return price
        return min(price, limit) if self.order.side is Side.BUY else max(price, limit)

    def report(self) -> OrderReport:
        return OrderReport(
            order=self.order,
            status=self.status,
            filled=self.filled,
            average_price=self.notional / self.filled if self.filled else None,
            fee=self.fee,
            reject=self.reject,
            reason=self.reason,
            broker_order_id=self.order.client_order_id,
        )
