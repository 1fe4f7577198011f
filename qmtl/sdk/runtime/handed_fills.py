"""Fills of handed orders: taken from the broker, divided among the strategies, booked and reported once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

from qmtl.brokers import Broker, Fill, PaperBroker, Side
from qmtl.client import Client, errors
from qmtl.client.calls import listed
from qmtl.client.documents import Fill as KeptFill
from qmtl.contracts.fills import MOST_FILLS
from qmtl.sdk.runtime.desk import Desk
from qmtl.sdk.runtime.handed import ZERO, HandedOrder
from qmtl.sdk.runtime.handed_log import HandedLog
from qmtl.sdk.runtime.trader import Trader

BrokerFor = Callable[[Desk, Iterable[str]], Broker]
Say = Callable[[str], None]
CLOCKS_DIFFER = timedelta(minutes=5)
"""At most, the service's and an exchange's: fills are looked for from so much earlier on."""


class HandedFills:
    """`untold`: what the service does not have yet, by strategy; it is remembered until it is taken."""

    def __init__(
        self,
        client: Client,
        log: HandedLog,
        trader: Trader,
        *,
        broker_for: BrokerFor,
        say: Say,
        save: Callable[[], None],
        wake: Callable[[], None],
    ) -> None:
        self.client, self.log, self.trader = client, log, trader
        self.world_id, self.strategy_id = log.world_id, log.strategy_id
        self.broker_for, self.say, self.save, self.wake = broker_for, say, save, wake
        self.untold: list[tuple[str, dict[str, Any]]] = []
        self.told = 0

    def collect(self, desk: Desk | None = None) -> None:
        """Take what the broker has filled. Called with the trader's lock held, also before each bar is traded."""
        active = [each for each in self.log.mine.values() if each.since is not None and not each.is_done]
        desk = desk or self.trader.desks.get("live")
        if not active or desk is None:
            return
        broker = self.broker_for(desk, {each.symbol for each in active})
        by_id = {each.client_order_id(self.world_id): each for each in active if each.is_sent}
        since = min(each.since for each in active if each.since is not None)
        if not isinstance(broker, PaperBroker):
            since -= CLOCKS_DIFFER
        found = False
        for fill in broker.fills(since):
            order = by_id.get(fill.order_id)
            if order is not None and fill.fill_id not in order.seen:
                self.book(desk, order, list(order.take(fill, self.strategy_id)))
                found = True
        if found:
            self.save()
            self.wake()

    def book(self, desk: Desk, order: HandedOrder, fills: Iterable[Fill]) -> None:
        for fill in fills:
            self.untold.append((fill.strategy_id, fill.document()))
            if fill.strategy_id == self.strategy_id and not order.is_proxy:
                desk.book_handed(fill, elsewhere=False)

    def tell(self) -> None:
        """Report what was filled, to each strategy its own. It waits, and is remembered, until it is taken."""
        batches: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for name, document in list(self.untold):
            batches[name].append(document)
        for name, batch in batches.items():
            for first in range(0, len(batch), MOST_FILLS):
                part = batch[first : first + MOST_FILLS]
                try:
                    self.told += self.client.report_fills(self.world_id, name, part).accepted
                except errors.Conflict as refused:
                    self.say(f"fills of {name} are not taken: {refused}")
                with self.trader.lock:
                    for each in part:
                        with suppress(ValueError):
                            self.untold.remove((name, each))
                self.save()

    def book_others(self) -> None:
        """Parts of the strategy in orders that somebody else carried out: the service has their fills."""
        path = "/worlds/{world_id}/strategies/{strategy_id}/fills"
        names = {"world_id": self.world_id, "strategy_id": self.strategy_id}
        for name in list(self.log.touched):
            kept = list(self.client.items(listed(path, KeptFill, query={"order_id": name}, **names)))
            with self.trader.lock:
                for fill in kept:
                    self.trader.live_desk().book_handed(read_kept(fill, self.strategy_id), elsewhere=True)
                self.log.touched.remove(name)
            self.save()


def read_kept(fill: KeptFill, strategy_id: str) -> Fill:
    return Fill(
        fill_id=fill.fill_id,
        order_id=fill.order_id,
        strategy_id=strategy_id,
        ts=fill.ts,
        symbol=fill.symbol,
        venue=fill.venue or "",
        side=Side(fill.side),
        qty=Decimal(str(fill.qty)),
        price=Decimal(str(fill.price)),
        fee=Decimal(str(fill.fee or ZERO)),
        mode="live",
    )
