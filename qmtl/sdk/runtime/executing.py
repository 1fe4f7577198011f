"""The executing runner: orders that a rebalancing handed over go to the broker once, and their fills come back.

What it has to do stands in the world's event log and in its own saved state; each step begins from there. Orders keep
their ids through restarts, so that sending one again is asking what became of it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from qmtl.brokers import (
    BrokerError,
    BrokerUnavailable,
    GatedBroker,
    Instrument,
    OrderReport,
    PaperBroker,
    Reject,
    UnknownOrder,
)
from qmtl.brokers.account import reducible
from qmtl.client import Client, QmtlError
from qmtl.sdk.runtime.brokers import exchange_of, price_of
from qmtl.sdk.runtime.desk import Desk
from qmtl.sdk.runtime.gatekeeper import AllGates, GateKeeper
from qmtl.sdk.runtime.handed import HandedOrder
from qmtl.sdk.runtime.handed_fills import BrokerFor, HandedFills, Say
from qmtl.sdk.runtime.handed_log import HandedLog
from qmtl.sdk.runtime.handed_words import HandedWords
from qmtl.sdk.runtime.trader import Trader

log = logging.getLogger("qmtl.run")

AT_WORK, WAITS, IDLE = 0.5, 2.0, 30.0
"""Seconds between two looks: while orders are at the broker, while some wait for a gate, otherwise. Events wake it."""
OF_SEVERAL_WORLDS = (
    "it is an order of several worlds, and only this one's part is known here: no runner trades it. Cancel the "
    "rebalancing and abandon the order, then trade it by hand, or plan again without shared_account"
)
AGAIN = "; execute the rebalancing again to have it tried again"


class Executing:
    """Carries out what is handed to `executor` in one world, and books what others carried out for its strategy.

    Of several runners that call themselves the same the one that registered last does it: one account has one writer.
    """

    def __init__(
        self,
        client: Client,
        keeper: GateKeeper,
        trader: Trader,
        *,
        executor: str | None,
        broker_for: BrokerFor,
        say: Say,
        save: Callable[[], None],
    ) -> None:
        self.client, self.keeper, self.trader = client, keeper, trader
        self.world_id, self.strategy_id = keeper.world_id, trader.strategy_id
        self.log = HandedLog(client, self.world_id, self.strategy_id, executor or "")
        self.broker_for, self._say, self.save = broker_for, say, save
        self.fills = HandedFills(
            client, self.log, trader, broker_for=broker_for, say=say, save=save, wake=self.wake
        )
        self.words = HandedWords(
            client, self.log, self.fills, keeper, is_newest=self._is_newest, say=say, save=save
        )
        self._said: dict[str, str] = {}
        self._live: set[str] = set()
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="executing", daemon=True)

    # --- its life ---------------------------------------------------------------------------------------------
    def start(self) -> None:
        self.log.begin(self.keeper.view.sequence)
        self._thread.start()

    def stop(self) -> None:
        """What is at work stays there; a later life goes on with it."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10.0)
            self._once(self.fills.tell)

    def wake(self) -> None:
        """Something was told about a rebalancing."""
        self._wake.set()

    def _work(self) -> None:
        while not self._stop.is_set():
            self._once(self.step)
            self._wake.wait(self.pause)
            self._wake.clear()

    def _once(self, work: Callable[[], None]) -> None:
        try:
            work()
            self._said.pop("", None)
        except (QmtlError, BrokerError) as error:
            self.say("", f"handed orders wait: {error}")
        except Exception as error:  # whatever it is: it is said, and tried again
            log.exception("handed orders")
            self.say("", f"handed orders wait: {error!r}")

    def say(self, about: str, text: str) -> None:
        """Once, until something else is to be said of it."""
        if self._said.get(about) != text:
            self._said[about] = text
            self._say(text)

    @property
    def pause(self) -> float:
        if self._said:
            return WAITS
        if self.fills.untold or self.log.touched or any(each.is_sent for each in self.waiting):
            return AT_WORK
        return WAITS if any(not each.is_stopped for each in self.waiting) else IDLE

    @property
    def waiting(self) -> list[HandedOrder]:
        """What is not filled yet, whether something can be done about it or not."""
        return [each for each in list(self.log.mine.values()) if not each.is_done]

    @property
    def is_at_work(self) -> bool:
        """Whether something is at the broker that changes the strategy's own position: it orders nothing beside it."""
        return any(each.is_sent and self._own_part(each) for each in self.waiting)

    def collect(self, desk: Desk | None = None) -> None:
        """Take what the broker has filled. Called with the trader's lock held."""
        self.fills.collect(desk)

    def _own_part(self, order: HandedOrder) -> bool:
        return any(name == self.strategy_id for name, _ in order.parts)

    # --- one step ---------------------------------------------------------------------------------------------
    def step(self) -> None:
        if self.log.read(self.trader.lock):
            self.save()
        self._resize()
        self.fills.book_others()
        if any(each.is_sent or each.is_cancelling or not each.is_stopped for each in self.waiting):
            self._carry_out()
        self.fills.tell()
        self.words.tell()

    def _resize(self) -> None:
        """The strategy's capital follows its allocation, or its next targets would undo the rebalancing."""
        if not self.log.scales and not self.log.undone:
            return
        with self.trader.lock:
            desk = self.trader.live_desk()
            for run, scale in list(self.log.scales.items()):
                desk.resize(scale)
                self.log.has_resized(run)
                self._say(f"rebalancing {run}: capital x {scale.normalize():f}")
            for run, scale in list(self.log.undone.items()):
                desk.resize(1 / scale if scale else Decimal(1))
                del self.log.undone[run]
                self._say(f"rebalancing {run} is cancelled: the capital is what it was")
        self.save()

    def _carry_out(self) -> None:
        orders = sorted(
            (each for each in self.waiting if not each.is_cancelling),
            key=lambda each: (each.told_at, each.purpose != "reduce"),
        )
        if self._hold(orders):  # what opens is looked at again when that is registered
            orders = [each for each in orders if each.is_sent or each.purpose != "open"]
        if any(not each.is_sent and not each.is_stopped for each in orders):
            if self._is_newest():
                self._said.pop("rival", None)
            else:
                self.say(
                    "rival", f"another runner executes as {self.log.executor}: handed orders are left to it"
                )
                orders = [each for each in orders if each.is_sent]
        with self.trader.lock:
            desk = self.trader.live_desk()
            self.fills.collect()
            for order in self.waiting:
                if order.is_cancelling:
                    self._take_back(desk, order)
            for order in orders:
                self._advance(desk, order)
            self.fills.collect()

    def _hold(self, orders: Iterable[HandedOrder]) -> bool:
        """The gates of all whose orders open something are held here too, so that their freezes are waited for. Whether
        that has to be registered first."""
        opening = [each for each in orders if each.purpose == "open" and not each.is_stopped]
        wanted = {name for each in opening for name, _ in each.parts}
        if not wanted <= self.keeper.holding or any(each.is_proxy for each in opening):
            rows = self.client.bindings(self.world_id, state="live", limit=500)
            self._live = {each.strategy_id for each in rows}
            proxied = self._live if any(each.is_proxy for each in opening) else set()
            return self.keeper.hold((wanted | proxied) & self._live)
        return False

    def _is_newest(self) -> bool:
        rivals = [
            each
            for each in self.client.gates(self.world_id, live=True, limit=500)
            if each.executor == self.log.executor and each.registered_at is not None
        ]
        newest = max(rivals, key=lambda each: (each.registered_at, each.client_id), default=None)
        return newest is not None and newest.client_id == self.keeper.client_id

    # --- an order ---------------------------------------------------------------------------------------------
    def _advance(self, desk: Desk, order: HandedOrder) -> None:
        if order.is_done or (order.is_stopped and not order.is_sent):
            return
        if not order.is_whole:
            order.stop(OF_SEVERAL_WORLDS)
        elif not order.qty:
            self._cross(desk, order)
            return
        elif order.purpose == "open" and self._reduces_first(order):
            self.say(order.order_id, f"order {order.order_id} waits for the reductions of {order.run_id}")
            return
        else:
            self._send(desk, order)
        if order.is_stopped and not order.is_done:
            self.say(
                order.order_id,
                f"order {order.order_id} of {order.run_id} is not filled: {order.reason}"
                + ("" if order.reason == OF_SEVERAL_WORLDS else AGAIN),
            )
            self.save()

    def _take_back(self, desk: Desk, order: HandedOrder) -> None:
        """What somebody has cancelled: nothing of it is sent any more, and what is at the broker comes back."""
        if not order.is_sent and (order.is_over or order.told.startswith("taken_back")):
            return
        broker = self.broker_for(desk, self._symbols(order))
        try:
            report = broker.cancel(order.client_order_id(self.world_id))
        except UnknownOrder:  # it never got there
            self.fills.collect()
            if order.is_sent and not order.is_done:
                order.stop("cancelled")
            return
        except BrokerError as error:
            self.say(
                order.order_id, f"order {order.order_id} of {order.run_id} is not taken back yet: {error}"
            )
            return
        if not order.is_sent and report.filled:  # another life sent it, and remembers it no more
            order.order(self.world_id, order.told_at)
        if report.is_final:
            self.fills.collect()
            if order.is_sent and not order.is_done and order.filled - order.filled_before == report.filled:
                order.stop("cancelled")
                self._said.pop(order.order_id, None)
                self._say(f"order {order.order_id} of {order.run_id} is taken back")

    def _reduces_first(self, order: HandedOrder) -> bool:
        return any(each.run_id == order.run_id and each.purpose == "reduce" for each in self.waiting)

    def _cross(self, desk: Desk, order: HandedOrder) -> None:
        """Strategies that trade with each other: nothing is sent, both parts are booked at the newest price."""
        price = price_of(desk, self.broker_for(desk, self._symbols(order)), order.symbol)
        if price is None:
            self.say(order.order_id, f"order {order.order_id} waits: there is no price of {order.symbol}")
            return
        at = self.trader.at if isinstance(desk.broker, PaperBroker) else datetime.now(UTC)
        self.fills.book(desk, order, list(order.cross(price, at or order.told_at)))
        self.save()

    def _send(self, desk: Desk, order: HandedOrder) -> None:
        """Send it, or ask what became of it: under its id that is the same."""
        is_simulated = isinstance(desk.broker, PaperBroker)
        at = self.trader.at if is_simulated else order.told_at
        if at is None:
            return  # a simulation knows no price before the first bar
        gates = self._gates(order)
        if not order.is_sent and order.purpose == "open" and not gates.is_open(""):
            self.say(order.order_id, f"order {order.order_id} of {order.run_id} waits: {gates.closed_by}")
            return
        if is_simulated and Instrument(order.symbol) not in desk.marks:
            self.say(order.order_id, f"order {order.order_id} waits: there is no price of {order.symbol}")
            return
        broker = self.broker_for(desk, self._symbols(order))
        if order.venue and not is_simulated and order.venue != exchange_of(broker):
            order.stop(f"it is for {order.venue}, and this runner trades at {exchange_of(broker)}")
            return
        if not order.is_sent:
            if is_simulated and order.purpose == "reduce":
                self._bring_over(desk, order)
            if self._own_part(order):
                desk.withdraw()
            order.order(self.world_id, at)
            self.save()  # before it leaves, so that another life asks for the same
        request = order.order(self.world_id, at)
        gated = GatedBroker(
            broker, gates, position_of=self._position_of(desk, order), clock=self.keeper.clock
        )
        try:
            report = gated.submit(request)
        except BrokerError as error:  # what it did is not known: it is asked again, under the same id
            self.say(order.order_id, f"order {order.order_id} of {order.run_id} is in doubt: {error}")
            return
        self._take_report(order, report)

    def _take_report(self, order: HandedOrder, report: OrderReport) -> None:
        if report.reject is Reject.GATE_CLOSED:
            order.sent_qty = None  # it never left
            self.say(order.order_id, f"order {order.order_id} of {order.run_id} waits: {report.reason}")
            return
        self._said.pop(order.order_id, None)
        if not report.is_final or report.filled == report.order.qty:
            return
        self.fills.collect()
        if order.filled - order.filled_before == report.filled:  # else its fills are still to come
            order.stop(report.reason or str(report.reject or report.status.value))

    def _gates(self, order: HandedOrder) -> AllGates:
        """Of all that it is for; a proxy's are those of all that trade like it."""
        self.keeper.tick(self.keeper.clock())
        return AllGates(self.keeper, [name for name, _ in order.parts] or sorted(self._live))

    def withdraw_openings(self) -> None:
        """Take back what still waits at the broker and could open something through a gate that has closed; it is sent
        again when that opens. Called with the trader's lock held."""
        desk = self.trader.desks.get("live")
        if desk is None:
            return
        for order in self.waiting:
            if order.purpose == "open" and order.is_sent and not self._gates(order).is_open(""):
                broker = self.broker_for(desk, self._symbols(order))
                with suppress(BrokerUnavailable, UnknownOrder):  # asked again with the next change
                    if not broker.cancel(order.client_order_id(self.world_id)).is_final:
                        continue
                    order.is_withdrawn = True
                    self._wake.set()

    def _position_of(self, desk: Desk, order: HandedOrder) -> Callable[[str, Instrument], Decimal] | None:
        """What may be reduced through a closed gate: of the strategy alone where it is alone, else of the account."""
        if {name for name, _ in order.parts} == {self.strategy_id}:
            return lambda _, instrument: desk.account.position(instrument)
        return None

    def _bring_over(self, desk: Desk, order: HandedOrder) -> None:
        """A simulated account knows only what was traded in it. What the other strategies of an order hold was traded in
        theirs; it is brought over before it is reduced."""
        if all(name == self.strategy_id for name, _ in order.parts):
            return
        account, instrument = desk.broker.account, Instrument(order.symbol)  # type: ignore[attr-defined]
        held = account.position(instrument)
        missing = order.left - reducible(held, order.side.sign)
        if missing > 0:
            account.held[instrument] = held - missing * order.side.sign

    def _symbols(self, order: HandedOrder) -> set[str]:
        return {order.symbol, *(each.symbol for each in self.waiting)}

    # --- saved and restored -------------------------------------------------------------------------------------
    def state(self) -> dict[str, Any]:
        return {**self.log.state(), "untold": [list(each) for each in self.fills.untold]}

    def load(self, state: Mapping[str, Any]) -> None:
        self.log.load(state)
        self.fills.untold = [(name, document) for name, document in state["untold"]]
