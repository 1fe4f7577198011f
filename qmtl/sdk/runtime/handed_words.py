"""What a runner says of handed orders that it does not fill: why not, and that one which was cancelled is taken back."""

from __future__ import annotations

from collections.abc import Callable

from qmtl.client import Client, errors
from qmtl.sdk.runtime.gatekeeper import GateKeeper
from qmtl.sdk.runtime.handed import HandedOrder
from qmtl.sdk.runtime.handed_fills import HandedFills, Say
from qmtl.sdk.runtime.handed_log import HandedLog

LONGEST = 500
TAKEN_BACK = "taken back by the runner"


class HandedWords:
    """Each is said once, by the newest of the runners that execute under the name, and remembered as said."""

    def __init__(
        self,
        client: Client,
        log: HandedLog,
        fills: HandedFills,
        keeper: GateKeeper,
        *,
        is_newest: Callable[[], bool],
        say: Say,
        save: Callable[[], None],
    ) -> None:
        self.client, self.log, self.fills, self.keeper = client, log, fills, keeper
        self.is_newest, self.say, self.save = is_newest, say, save
        self.lock = fills.trader.lock

    def tell(self) -> None:
        """Called when the fills are told, so that none of an order is missing when it is said to have ended."""
        with self.lock:
            words = [word for each in self._idle() if (word := word_of(each)) is not None]
        if not words or not self.is_newest():
            return
        try:
            self.client.report_orders(
                self.log.world_id,
                client_id=self.keeper.client_id,
                lease_secret=self.keeper.lease_secret,
                orders=words,
            )
        except errors.Invalid as refused:  # the service knows of no such order: it is not said again
            self.say(f"what became of handed orders is not taken: {refused}")
        with self.lock:
            for word in words:
                if known := self.log.mine.get(word["order_id"]):
                    known.told = told_as(word)
        self.save()

    def _idle(self) -> list[HandedOrder]:
        """Of which nothing is at the broker, nor to be told as a fill. What is over for the service is dropped."""
        untold = {document["order_id"] for _, document in list(self.fills.untold)}
        idle = [
            each
            for each in self.log.mine.values()
            if not each.is_done and not each.is_sent and each.order_id not in untold
        ]
        for each in idle:
            if each.is_over:
                del self.log.mine[each.order_id]
        return [each for each in idle if not each.is_over]


def word_of(order: HandedOrder) -> dict[str, str] | None:
    """None where the service knows it, or nothing is final."""
    if order.is_cancelling:
        word = {"order_id": order.order_id, "outcome": "taken_back", "reason": TAKEN_BACK}
    elif order.is_stopped and order.reason:
        word = {"order_id": order.order_id, "outcome": "not_filled", "reason": order.reason[:LONGEST]}
    else:
        return None
    return None if order.told == told_as(word) else word


def told_as(word: dict[str, str]) -> str:
    return f"{word['outcome']}: {word['reason']}"
