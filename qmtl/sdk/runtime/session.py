"""`Runner.run`: everything that a strategy needs to trade in a world, from its first bar to its last."""

from __future__ import annotations

import logging
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from qmtl.brokers import Fill
from qmtl.client import Client, Config, QmtlError, errors, load_config
from qmtl.client.documents import World
from qmtl.sdk.book import targets_of
from qmtl.sdk.data import Provider
from qmtl.sdk.engine import Engine
from qmtl.sdk.errors import NodeError, StrategyError
from qmtl.sdk.frame import Bar
from qmtl.sdk.identity import code_hash
from qmtl.sdk.intervals import iso
from qmtl.sdk.runtime.accounts import Accounts, broker_settings
from qmtl.sdk.runtime.brokers import HandedBrokers, differences
from qmtl.sdk.runtime.desk import Desk
from qmtl.sdk.runtime.executing import Executing
from qmtl.sdk.runtime.feeds import Ending, Feed
from qmtl.sdk.runtime.gatekeeper import GateKeeper
from qmtl.sdk.runtime.report import RunReport, place_of_failure, summed, words_of_failure
from qmtl.sdk.runtime.reporter import Reporter
from qmtl.sdk.runtime.rivals import Place
from qmtl.sdk.runtime.saved import FOLDER, Saved
from qmtl.sdk.runtime.sources import Wanted, bars_to_come
from qmtl.sdk.runtime.standing import carries_over, require_binding, why_lowered
from qmtl.sdk.runtime.trader import Earned, Trader
from qmtl.sdk.strategy import Strategy, made, strategy_id
from qmtl.sdk.submission import world_named

log = logging.getLogger("qmtl.run")

SAVE_EVERY, SAVING_PART = 5.0, 20.0
"""Seconds between two savings, and at least so many times as long as one takes."""
NODES_EVERY = 2.0
Status = Callable[[dict[str, Any]], None]


def say_on_terminal(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", file=sys.stderr, flush=True)


def run(
    strategy: type[Strategy] | Strategy,
    world_id: str,
    *,
    gateway_url: str | None = None,
    token: str | None = None,
    data_preset: str | None = None,
    data: Any = None,
    provider: Provider | None = None,
    feed: Feed | None = None,
    replay: bool = False,
    speed: float | None = None,
    start: str | None = None,
    client: Client | None = None,
    client_id: str | None = None,
    executor: str | None = None,
    state_folder: str | Path | None = FOLDER,
    stop: threading.Event | None = None,
    say: Callable[[str], None] = say_on_terminal,
    on_status: Status | None = None,
) -> RunReport:
    """Trade a strategy as its world allows, until there are no more bars or `stop` is set.

    Bars: `replay=True` replays the preset (or `data`) from `start` on, `speed` bars a second (None: as fast as they are
    taken); `feed` gives them itself; otherwise the preset's source is polled for new ones. What lies before warms the
    nodes up. `start` is by default where the account was saved last, else where the service's performance ends.

    A replay trades all its bars. Of polled ones the newest is traded: what closed while the runner or the source was
    away is computed and what was held through it is marked, but nobody trades in retrospect at prices of the past.

    The effective mode decides where orders go: paper to the paper broker, live through the gate to the world's broker,
    else nowhere. It may change at any time, without a restart. gateway_url: the service's address. state_folder: what is
    remembered over a restart; None for nothing. One run at a time may use it for a strategy of a world, and of runs
    elsewhere one at a time: another one that is alive is found at the service, one that was killed is waited for until
    its lease ends.

    DataError, StrategyError and refusals are raised before anything trades. A compute function that fails ends the run
    as `failed`: its node is reported in error, and the service keeps the strategy from trading.
    """
    own = client is None
    service = client or Client(config=config_of(gateway_url, token))
    wanted = Wanted(
        data_preset=data_preset, data=data, provider=provider, feed=feed, replay=replay, speed=speed, start=start
    )  # fmt: skip
    try:
        with ExitStack() as held:
            session = Session(
                service, made(strategy), world_id, wanted, client_id=client_id, executor=executor,
                state_folder=Path(state_folder) if state_folder else None, stop=stop, say=say, on_status=on_status,
                held=held,
            )  # fmt: skip
            return session.run()
    finally:
        if own:
            service.close()


def config_of(url: str | None, token: str | None) -> Config:
    return load_config(url=url, token=token)


class Session:
    """One run of one strategy."""

    def __init__(
        self,
        client: Client,
        strategy: Strategy,
        world_id: str,
        wanted: Wanted,
        *,
        client_id: str | None,
        executor: str | None,
        state_folder: Path | None,
        stop: threading.Event | None,
        say: Callable[[str], None],
        on_status: Status | None,
        held: ExitStack,
    ) -> None:
        self.client, self.say, self.on_status = client, say, on_status
        self.name = strategy_id(type(strategy))
        self.world: World = world_named(client, world_id)
        self.stop = stop or threading.Event()
        self.ending = Ending(self.stop)
        mode = require_binding(client, world_id, self.name)
        self.saved = Saved(state_folder, world_id, self.name) if state_folder else None
        if self.saved:
            held.enter_context(self.saved.held())
        suffix = self.saved.suffix if self.saved else uuid.uuid4().hex[:8]
        name = client_id or f"{self.name[:96]}-{suffix}"
        self.place = Place(client, world_id, self.name, name)
        self.place.wait_for(say=say, stop=self.stop)
        self.memory = (self.saved.read() if self.saved else None) or {}
        history, kind = wanted.history(self.world), broker_settings(self.world).get("kind", "paper")
        self.to_come = bars_to_come(
            client, self.world, self.name, wanted, history, self.memory, mode=mode, kind=kind, say=say
        )
        self.engine = Engine(strategy, history.symbols, history.interval)
        self.engine.require_fields(history.fields)
        self.code = code_hash(strategy)
        self._equip(name, executor)
        self.bars = self.late = self.missed = 0
        self.last: int | None = None
        self.traded = int(self.memory.get("last") or 0)  # bars up to this one are in the saved account
        self.is_warm = self._is_missing = False
        self._nodes_at = 0.0
        self._save_at = time.monotonic() + SAVE_EVERY

    # --- before the first bar -------------------------------------------------------------------------------------
    def _equip(self, client_id: str, executor: str | None) -> None:
        """Who holds the gate, who trades, who executes for others and who tells, each as an earlier life left it."""
        client, world_id = self.client, self.world.id
        self.keeper = GateKeeper(
            client,
            world_id,
            client_id,
            {self.name: self.code},
            executor=executor,
            place=self.place,
            on_freeze=self.freeze,
            on_change=self.changed,
            on_rebalancing=self.rebalanced,
        )
        self.reporter = Reporter(client, world_id, self.name, may_tell=lambda: self.keeper.has_lease)
        self.reporter.load(self.memory.get("untold") or {})
        self.accounts = Accounts(
            client,
            self.world,
            self.keeper,
            strategy_id=self.name,
            symbols=self.engine.symbols,
            saved=self.memory.get("desks") or {},
        )
        self.trader = self._trader()
        self.executing = self._executing(executor)
        self.trader.handed = self.executing

    def _trader(self) -> Trader:
        client, world_id, keeper = self.client, self.world.id, self.keeper
        trader = Trader(
            self.name,
            keeper,
            paper=self.accounts.paper(),
            make_live=self.make_live,
            carries_over=lambda: carries_over(client, world_id),
            why_lowered=lambda: why_lowered(client, world_id, self.name, client_id=keeper.client_id),
            say=self.say,
        )
        trader.catches_up = self.memory.get("last") is None
        trader.load(self.memory)
        return trader

    def _executing(self, executor: str | None) -> Executing:
        executing = Executing(
            self.client,
            self.keeper,
            self.trader,
            executor=executor,
            broker_for=HandedBrokers(self.client, self.accounts.settings, self.keeper),
            say=self.say,
            save=self.save,
        )
        if state := self.memory.get("handed"):
            executing.load(state)
        return executing

    def make_live(self) -> Desk:
        desk = self.accounts.live()
        self.executing.collect(desk)  # what was filled while nobody looked
        self.trader.objection = differences(desk)
        if self.trader.objection:
            self.say(self.trader.objection)
        return desk

    # --- its life ---------------------------------------------------------------------------------------------------
    def run(self) -> RunReport:
        began = time.monotonic()
        ended = ""
        failure: QmtlError | None = None
        self.reset_nodes()
        try:
            self.warm_up()
            with self.keeper:
                self.reporter.start()
                if "live" in self.accounts.saved:
                    self.trader.live_desk()
                self.executing.start()
                try:
                    ended, failure = self.trade()
                finally:
                    self.reporter.settle()
        except NodeError as failed:
            ended, failure = "failed", failed
        finally:
            if failure is not None:
                self.say(str(failure))
            if ended == "completed":
                self.engine.complete()
            if isinstance(self.keeper.failure, StrategyError):
                self.reporter.give_way()
            else:
                self.reporter.nodes(self.engine.states())
            self.executing.stop()
            self.reporter.stop()
            self.save()
        return self.report(ended, failure, time.monotonic() - began)

    def reset_nodes(self) -> None:
        """A new process has new nodes: what an earlier one left in error begins anew."""
        states = [
            {"node": node.name, "state": "initialized", "period": node.looks_back}
            for node in self.engine.nodes
        ]
        try:
            self.client.report_nodes(self.world.id, self.name, states)
        except errors.Refused as refused:
            self.say(f"node states are not taken: {refused}")

    def warm_up(self) -> None:
        history = self.to_come.warm_up
        for bar in history.bars():
            self.warm_up_with(bar)
        self.is_warm = True
        if len(history):
            self.say(f"warmed up with {len(history)} bars to {iso(int(history.times[-1]))}")

    def warm_up_with(self, bar: Bar) -> None:
        targets = targets_of(self.engine.step(bar))
        if targets is not None:
            self.trader.targets = targets
        self.last = bar.time

    def trade(self) -> tuple[str, QmtlError | None]:
        """How it ended, and by which error."""
        for bar, is_missed in self.to_come.bars(self.ending):
            if self.keeper.failure is not None:
                break
            if self.last is not None and bar.time <= self.last:
                self.late += 1  # known already: a source that was asked again, a feed that begins anew
            elif bar.time <= self.traded:
                self.warm_up_with(bar)  # the history that is there ends before the account
            else:
                self.take(bar, is_missed=is_missed)
        if self.keeper.failure is not None:
            return "failed", self.keeper.failure
        return ("stopped" if self.stop.is_set() else "completed"), None

    def take(self, bar: Bar, *, is_missed: bool) -> None:
        # An account that has seen a bar is never saved without it, nor its record lost.
        with self.trader.lock:
            self.last = bar.time
            self.report_bar(*self.trader.see(bar, is_missed=is_missed))
        try:
            targets = targets_of(self.engine.step(bar))
        except NodeError:
            self.reporter.nodes(self.engine.states())
            self.trader.freeze()
            raise
        if is_missed:
            self.trader.miss(targets)
        else:
            self.trader.trade(bar, targets)
        self.bars += 1
        self.missed += is_missed
        self.say_missed(is_missed=is_missed)
        self.now_and_then()

    def say_missed(self, *, is_missed: bool) -> None:
        """Once for all of a gap."""
        if is_missed != self._is_missing:
            self._is_missing = is_missed
            if is_missed:
                self.say("bars were missed: they are computed and what is held is marked, nothing is traded")

    def report_bar(self, fills: Iterable[Fill], earned: Iterable[Earned]) -> None:
        for fill in fills:
            is_real = fill.mode == "live" and self.accounts.settings.get("kind", "paper") != "paper"
            self.reporter.fills([fill.document()], are_real=is_real)
        for mode, record in earned:
            self.reporter.performance(mode, record)

    def now_and_then(self) -> None:
        now = time.monotonic()
        if now - self._nodes_at >= NODES_EVERY:
            self._nodes_at = now
            self.reporter.nodes(self.engine.states())
            if self.on_status is not None:
                self.on_status(self.status())
        if now >= self._save_at:
            self.save()

    def save(self) -> None:
        """What it knows, as one document. The longer that takes, the rarer it is done between bars."""
        if self.saved is None or not self.is_warm:
            return  # what is on disk is newer than what is known here
        began = time.monotonic()
        with self.trader.lock:
            desks = {mode: desk.state() for mode, desk in self.trader.desks.items()}
            self.saved.write(
                {
                    "last": max(self.last or 0, self.traded) or None,
                    **self.trader.state(),
                    "desks": desks,
                    "handed": self.executing.state(),
                    "untold": self.reporter.state(),
                }
            )
        ended = time.monotonic()
        self._save_at = ended + max(SAVE_EVERY, SAVING_PART * (ended - began))

    def freeze(self) -> None:
        """Before a freeze is acknowledged: openings are taken back, and what was earned so far is told."""
        self.trader.freeze()
        with suppress(QmtlError):  # it is told later, under the mode in which it was earned
            self.reporter.flush()

    def changed(self) -> None:
        if self.keeper.failure is not None:
            self.ending.set()  # whoever waits for the next bar need not
        self.trader.changed()

    def rebalanced(self) -> None:
        self.executing.wake()

    # --- told ---------------------------------------------------------------------------------------------------------
    def status(self) -> dict[str, Any]:
        """For whoever watches over it."""
        return {
            "world_id": self.world.id,
            "strategy_id": self.name,
            "mode": self.trader.mode,
            "gate": "open"
            if self.keeper.is_open(self.name)
            else f"closed: {self.keeper.closed_by or 'told so'}",
            "bars": self.bars,
            "late": self.late,
            "missed": self.missed,
            "last": iso(self.last) if self.last is not None else None,
            "waiting": self.reporter.waiting,
            "nodes": {node.name: node.state.value for node in self.engine.nodes},
        }

    def report(self, ended: str, failure: QmtlError | None, seconds: float) -> RunReport:
        desks = self.trader.desks
        tallies = [desk.tally for desk in desks.values()]
        return RunReport(
            world_id=self.world.id,
            strategy_id=self.name,
            ended=ended,
            bars=self.bars,
            missed=self.missed,
            seconds=seconds,
            mode=self.trader.mode,
            orders={mode: desk.tally.orders for mode, desk in desks.items()},
            fills={mode: desk.tally.fills for mode, desk in desks.items()},
            rejected=summed(each.rejected for each in tallies),
            withdrawn=summed(each.withdrawn for each in tallies),
            performance_reported=self.reporter.told.performance,
            fills_reported=self.reporter.told.fills + self.executing.fills.told,
            not_taken=dict(self.reporter.told.dropped),
            nodes=self.engine.states(),
            error=words_of_failure(failure) if failure else "",
            exit_status=failure.exit_status if failure else 0,
            failed_at=place_of_failure(failure, self.code),
        )
