"""A broker behind a gate: opening orders pass only while it is open, reductions always."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from qmtl.brokers.account import reducible
from qmtl.brokers.broker import Broker
from qmtl.brokers.errors import OrderConflict
from qmtl.brokers.models import ZERO
from qmtl.brokers.orders import Fill, Instrument, Order, OrderReport, OrderStatus, Reject


class Gate(Protocol):
    """What is asked of `qmtl.contracts.gate.GateView`."""

    def tick(self, now: float) -> None: ...

    def is_open(self, strategy_id: str) -> bool: ...

    @property
    def closed_by(self) -> str | None: ...


if hasattr(time, "CLOCK_BOOTTIME"):

    def suspend_proof_seconds() -> float:
        """A clock that neither jumps nor stops while the machine is suspended."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

else:  # what other systems have stops while they sleep, or does not: both are never ahead
    suspend_proof_seconds = time.monotonic


class GatedBroker:
    """Asks the gate before every order, then hands it to the broker.

    While the gate is closed an order passes only where it takes the strategy's position towards zero, together with
    what already works towards it, and it is marked `reduce_only`. One that would pass zero is refused whole: flatten
    first, open later.

    position_of: what a strategy holds, where several share the account; otherwise the account's position counts.
    clock: the seconds by which the gate counts its lease.
    """

    def __init__(
        self,
        broker: Broker,
        gate: Gate,
        *,
        position_of: Callable[[str, Instrument], Decimal] | None = None,
        clock: Callable[[], float] = suspend_proof_seconds,
    ) -> None:
        self.broker, self.gate = broker, gate
        self._position_of, self._clock = position_of, clock

    @property
    def mode(self) -> str:
        return self.broker.mode

    def is_open(self, strategy_id: str) -> bool:
        """Whether an opening order of the strategy may pass now."""
        self.gate.tick(self._clock())
        return self.gate.is_open(strategy_id)

    def submit(self, order: Order) -> OrderReport:
        if self.is_open(order.strategy_id):
            return self.broker.submit(order)
        known = self.broker.order(order.client_order_id)
        if known is not None:
            if not known.order.is_same(order):
                raise OrderConflict(f"{order.client_order_id} is another order")
            return known
        if order.qty <= self.room(order):
            return self.broker.submit(replace(order, reduce_only=True))
        return OrderReport(
            order=order,
            status=OrderStatus.REJECTED,
            reject=Reject.GATE_CLOSED,
            reason=self.gate.closed_by or f"the gate of {order.strategy_id} is closed",
        )

    def room(self, order: Order) -> Decimal:
        """How much of the position is left to reduce, beside the orders that already do."""
        held = self.broker.positions().get(order.instrument, ZERO)
        room = reducible(held, order.side.sign)
        if self._position_of is not None:
            own = self._position_of(order.strategy_id, order.instrument)
            room = min(room, reducible(own, order.side.sign))
        if not room:
            return ZERO
        working = (
            each.remaining
            for each in self.broker.open_orders()
            if each.order.instrument == order.instrument and each.order.side is order.side
        )
        return room - sum(working, ZERO)

    def withdraw_openings(self) -> list[OrderReport]:
        """Take back the orders that wait and could open something though their gate has closed: on every change of
        the gate, and while it is in doubt."""
        return [
            self.broker.cancel(each.order.client_order_id)
            for each in self.broker.open_orders()
            if not each.order.reduce_only and not self.is_open(each.order.strategy_id)
        ]

    def cancel(self, client_order_id: str) -> OrderReport:
        return self.broker.cancel(client_order_id)

    def order(self, client_order_id: str) -> OrderReport | None:
        return self.broker.order(client_order_id)

    def open_orders(self) -> Sequence[OrderReport]:
        return self.broker.open_orders()

    def positions(self) -> Mapping[Instrument, Decimal]:
        return self.broker.positions()

    def fills(self, since: datetime | None = None) -> Sequence[Fill]:
        return self.broker.fills(since)
