"""An order of a rebalancing that was handed to a runner: what is left of it, and whose each of its fills is.

No network, no clock: the same events and the same fills of the broker give the same fills of the strategies, under the
same ids, whoever works them out and however often.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Context, Decimal, localcontext
from typing import Any

from qmtl.brokers import Fill, Instrument, Order, Side, client_order_id
from qmtl.contracts.fills import DIGITS, PLACES

OWNER = "=rebalancing"
"""Whose orders these are at the broker: no strategy can be called so."""
STEP = Decimal(1).scaleb(-PLACES)
EXACT = Context(prec=4 * DIGITS)
ZERO = Decimal(0)
Part = tuple[str, Decimal]
"""A strategy of the world and its signed quantity."""


@dataclass
class HandedOrder:
    """`attempt` counts the orders that were sent for it; each asks for what the ones before have left.

    sequence: of the newest event that says that it is handed. stopped_at: that of the event after which the broker had
    not filled it; it is tried again when a newer one asks for it. since: when its first order was decided.
    is_cancelling: it is to be taken back. is_over: the service waits for it no more. told: what the service knows of why
    it is not filled.
    """

    order_id: str
    run_id: str
    symbol: str
    venue: str
    side: Side
    qty: Decimal
    purpose: str
    parts: tuple[Part, ...]
    told_at: datetime
    sequence: int
    shared: bool = False
    attempt: int = 0
    sent_qty: Decimal | None = None
    since: datetime | None = None
    filled: Decimal = ZERO
    filled_before: Decimal = ZERO
    is_crossed: bool = False
    is_withdrawn: bool = False
    stopped_at: int = 0
    reason: str = ""
    is_cancelling: bool = False
    is_over: bool = False
    told: str = ""
    seen: list[str] = field(default_factory=list)

    # --- what is asked for -------------------------------------------------------------------------------------
    @property
    def signed(self) -> Decimal:
        return self.qty * self.side.sign

    @property
    def instrument(self) -> Instrument:
        return Instrument(self.symbol, self.venue)

    @property
    def is_proxy(self) -> bool:
        """Of the world, for no strategy."""
        return not self.parts

    @property
    def is_whole(self) -> bool:
        """Whether all that have a part in it are of this world: of an order of several worlds each is told its own."""
        if self.is_proxy:
            return not self.shared
        return sum((qty for _, qty in self.parts), ZERO) == self.signed

    @property
    def crossing(self) -> Decimal:
        """What its strategies trade with each other."""
        return sum((abs(qty) for _, qty in self.parts if qty * self.side.sign < 0), ZERO)

    # --- how far it is -----------------------------------------------------------------------------------------
    @property
    def is_done(self) -> bool:
        return self.filled == self.qty and (self.is_crossed or not self.crossing)

    @property
    def is_sent(self) -> bool:
        return self.sent_qty is not None

    @property
    def is_stopped(self) -> bool:
        return self.stopped_at >= self.sequence

    @property
    def left(self) -> Decimal:
        return self.qty - self.filled

    def client_order_id(self, world_id: str) -> str:
        """The same whenever the same attempt is made."""
        return client_order_id(world_id, OWNER, self.order_id, self.attempt)

    def order(self, world_id: str, at: datetime) -> Order:
        """What the broker is asked for; from the first call on the attempt is under way."""
        if self.sent_qty is None:
            self.sent_qty = self.left
            self.since = self.since or at
        return Order(
            client_order_id=self.client_order_id(world_id),
            strategy_id=OWNER,
            symbol=self.symbol,
            side=self.side,
            qty=self.sent_qty,
            ts=self.since or at,
            reduce_only=self.purpose == "reduce",
        )

    def stop(self, reason: str) -> None:
        """The broker fills nothing more of this attempt. One that was withdrawn is made again by itself."""
        self.attempt += 1
        self.sent_qty = None
        self.filled_before = self.filled
        if not self.is_withdrawn:
            self.stopped_at, self.reason = self.sequence, reason
        self.is_withdrawn = False

    # --- whose its fills are -----------------------------------------------------------------------------------
    def take(self, fill: Fill, own: str) -> Iterator[Fill]:
        """The fills of the strategies for one of the broker's, which come oldest first; a proxy's are `own`'s."""
        if fill.fill_id in self.seen:
            return
        self.seen.append(fill.fill_id)
        if self.crossing and not self.is_crossed:
            yield from self.cross(fill.price, fill.ts)
        shares = self._shares(self.filled, fill.qty, own)
        fees = split_fee(fill.fee, [abs(qty) for _, qty in shares])
        for (name, qty), fee in zip(shares, fees, strict=True):
            yield self._fill(fill.fill_id, name, qty, fill.price, fee, fill.ts)
        self.filled += fill.qty

    def cross(self, price: Decimal, ts: datetime) -> Iterator[Fill]:
        """What the strategies trade with each other, at one price and without costs."""
        self.is_crossed = True
        room = self.crossing
        for name, qty in self.parts:
            size = abs(qty)
            if qty * self.side.sign > 0:
                size = min(size, room)
                room -= size
            if size:
                yield self._fill(f"{self.order_id}.x", name, size if qty > 0 else -size, price, ZERO, ts)

    def _shares(self, begin: Decimal, qty: Decimal, own: str) -> list[Part]:
        """Of the next `qty` that the market filled: one strategy after the other, after what they traded with each
        other."""
        if self.is_proxy:
            return [(own, qty * self.side.sign)]
        begin += self.crossing
        end, place, found = begin + qty, ZERO, []
        for name, wanted in self.parts:
            size = wanted * self.side.sign
            if size > 0:
                taken = min(place + size, end) - max(place, begin)
                place += size
                if taken > 0:
                    found.append((name, taken * self.side.sign))
        return found

    def _fill(
        self, fill_id: str, strategy: str, qty: Decimal, price: Decimal, fee: Decimal, ts: datetime
    ) -> Fill:
        return Fill(
            fill_id=fill_id,
            order_id=self.order_id,
            strategy_id=strategy,
            ts=ts,
            symbol=self.symbol,
            venue=self.venue,
            side=Side.BUY if qty > 0 else Side.SELL,
            qty=abs(qty),
            price=within(price),
            fee=fee,
            mode="live",
        )

    # --- saved -------------------------------------------------------------------------------------------------
    def state(self) -> dict[str, Any]:
        """As JSON can hold it."""
        document = asdict(self)
        for name in MONEY:
            document[name] = None if document[name] is None else str(document[name])
        for name in MOMENTS:
            document[name] = None if document[name] is None else document[name].isoformat()
        return {**document, "parts": [[name, str(qty)] for name, qty in self.parts]}

    @classmethod
    def load(cls, document: Mapping[str, Any]) -> HandedOrder:
        values = dict(document)
        for name in MONEY:
            values[name] = None if values[name] is None else Decimal(values[name])
        for name in MOMENTS:
            values[name] = None if values[name] is None else datetime.fromisoformat(values[name])
        parts = tuple((name, Decimal(qty)) for name, qty in values["parts"])
        return cls(**{**values, "side": Side(values["side"]), "parts": parts})


MONEY = ("qty", "sent_qty", "filled", "filled_before")
MOMENTS = ("told_at", "since")


def read_handed(
    row: Mapping[str, Any], *, world_id: str, run_id: str, sequence: int, told_at: datetime
) -> HandedOrder:
    """From an order of `rebalancing.applied` whose numbers are Decimals. KeyError, ValueError, ArithmeticError for what
    is none."""
    parts = [(part["strategy_id"], Decimal(part["delta_qty"])) for part in row["parts"]]
    if any(part["world_id"] != world_id for part in row["parts"]):
        raise ValueError("a part of another world")
    return HandedOrder(
        order_id=str(row["order_id"]),
        run_id=run_id,
        symbol=str(row["symbol"]),
        venue=row["venue"] or "",
        side=Side(row["side"]),
        qty=Decimal(row["qty"]),
        purpose=str(row["purpose"]),
        parts=tuple(sorted(parts)),
        told_at=told_at,
        sequence=sequence,
        shared=row["world_id"] is None,
    )


def split_fee(fee: Decimal, sizes: Sequence[Decimal]) -> list[Decimal]:
    """By size; what rounding leaves is the last one's."""
    with localcontext(EXACT):
        total = sum(sizes, ZERO)
        fees = [within(fee * size / total) for size in sizes]
        if fees:
            fees[-1] += within(fee) - sum(fees, ZERO)
        return fees


def within(number: Decimal) -> Decimal:
    """With at most the digits that are kept of it."""
    if int(number.as_tuple().exponent) >= -PLACES:
        return number
    with localcontext(EXACT):
        return number.quantize(STEP)
