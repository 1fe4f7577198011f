"""What a runner believes against what the broker says, before the first order of a new life."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from qmtl.brokers.broker import Broker
from qmtl.brokers.models import ZERO
from qmtl.brokers.orders import Fill, Instrument, OrderReport


class Difference(NamedTuple):
    """A position that is not what it should be, after the fills that were missed."""

    instrument: Instrument
    expected: Decimal
    actual: Decimal


@dataclass(frozen=True)
class Reconciliation:
    """missed_fills: report them, they happened while nobody looked. orders: what became of those that were at work.
    never_arrived: ids to send again or to forget. strays: open orders that nobody remembers."""

    missed_fills: tuple[Fill, ...]
    orders: tuple[OrderReport, ...]
    never_arrived: tuple[str, ...]
    strays: tuple[OrderReport, ...]
    differences: tuple[Difference, ...]

    @property
    def agrees(self) -> bool:
        """Whether trading may begin without a person looking at it."""
        return not self.strays and not self.differences


def reconcile(
    broker: Broker,
    *,
    positions: Mapping[Instrument, Decimal],
    fills_seen: Collection[str],
    orders: Iterable[str],
    since: datetime | None = None,
) -> Reconciliation:
    """Compare what was remembered with the broker.

    positions: as remembered, after all of `fills_seen` (ids). orders: client order ids that were at work. since: from
    when on fills are read; nothing older may be missing from `fills_seen`. The broker is right: the caller takes over
    `broker.positions()`, or asks a person where `agrees` is false.
    """
    wanted = list(orders)
    found = {name: broker.order(name) for name in wanted}
    missed = tuple(fill for fill in broker.fills(since) if fill.fill_id not in fills_seen)
    strays = tuple(each for each in broker.open_orders() if each.order.client_order_id not in found)
    expected = dict(positions)
    for fill in missed:
        expected[fill.instrument] = expected.get(fill.instrument, ZERO) + fill.signed
    actual = broker.positions()
    differences = tuple(
        Difference(name, expected.get(name, ZERO), actual.get(name, ZERO))
        for name in sorted({*expected, *actual})
        if expected.get(name, ZERO) != actual.get(name, ZERO)
    )
    return Reconciliation(
        missed_fills=missed,
        orders=tuple(report for report in found.values() if report is not None),
        never_arrived=tuple(name for name, report in found.items() if report is None),
        strays=strays,
        differences=differences,
    )
