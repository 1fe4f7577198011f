"""The one interface of brokers, on paper and real ones alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from qmtl.brokers.orders import Fill, Instrument, Order, OrderReport


class Broker(Protocol):
    """Takes orders and tells what became of them.

    Every call may raise `BrokerUnavailable`; repeating it is then safe. A refused order is a report, not an exception.
    """

    @property
    def mode(self) -> str:
        """The mode whose orders it takes (`paper`, `live`); its fills carry it."""
        ...

    def submit(self, order: Order) -> OrderReport:
        """Place an order once. The same order again answers what became of it; OrderConflict for another one."""
        ...

    def cancel(self, client_order_id: str) -> OrderReport:
        """Take back what is not filled; nothing happens to a final order. UnknownOrder where there is none."""
        ...

    def order(self, client_order_id: str) -> OrderReport | None:
        """What became of an order; None for one that never arrived."""
        ...

    def open_orders(self) -> Sequence[OrderReport]:
        """Orders that may still fill, oldest first."""
        ...

    def positions(self) -> Mapping[Instrument, Decimal]:
        """Signed quantities that are not zero."""
        ...

    def fills(self, since: datetime | None = None) -> Sequence[Fill]:
        """Executions from that time on, oldest first. Reading again gives the same ones under the same ids."""
        ...
