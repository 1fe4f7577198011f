"""`Runner.run`: everything that a strategy needs to trade in a world, from its first bar to its last."""

from __future__ import annotations

import logging
import sys
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack, suppress
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any

from qmtl.client import Client, Config, QmtlError, errors, load_config
from qmtl.client.documents import World
from qmtl.sdk.book import targets_of
from qmtl.sdk.data import Provider, choose, load
from qmtl.sdk.engine import Engine
from qmtl.sdk.errors import NodeError
from qmtl.sdk.frame import Bar, Frame, frame_of
from qmtl.sdk.identity import code_hash
from qmtl.sdk.intervals import iso, parse_time
from qmtl.sdk.runtime import brokers
from qmtl.sdk.runtime.desk import Desk
from qmtl.sdk.runtime.executing import Executing
from qmtl.sdk.runtime.feeds import Feed, PollingFeed, ReplayFeed
from qmtl.sdk.runtime.gatekeeper import GateKeeper
from qmtl.sdk.runtime.report import RunReport, rejected_by
from qmtl.sdk.runtime.reporter import Reporter
from qmtl.sdk.runtime.resuming import bars_of, reached_by
from qmtl.sdk.runtime.saved import FOLDER, Saved
from qmtl.sdk.runtime.standing import carries_over, require_binding, why_lowered
from qmtl.sdk.runtime.trader import Trader
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

    The effective mode decides where orders go: paper to the paper broker, live through the gate to the world's broker,
    else nowhere. It may change at any time, without a restart. gateway_url: the service's address. state_folder: what is
    remembered over a restart; None for nothing. One run at a time may use it for a strategy of a world.

    DataError, StrategyError and refusals are raised before anything trades. A compute function that fails ends the run
    as `failed`: its node is reported in error, and the service keeps the strategy from trading.
    """
    own = client is None
    service = client or Client(config=config_of(gateway_url, token))
    held = ExitStack()
    try:
        session = Session(
            service, made(strategy), world_id, data_preset=data_preset, data=data, provider=provider,
            replay=replay, speed=speed, start=start, feed=feed, client_id=client_id, executor=executor,
            state_folder=Path(state_folder) if state_folder else None, stop=stop, say=say, on_status=on_status,
            held=held,
        )  # fmt: skip
        return session.run()
    finally:
        held.close()
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
        *,
        data_preset: str | None,
        data: Any,
        provider: Provider | None,
        replay: bool,
        speed: float | None,
        start: str | None,
        feed: Feed | None,
        client_id: str | None,
        executor: str | None,
        state_folder: Path | None,
        stop: threading.Event | None,
        say: Callable[[str], None],
        on_status: Status | None,
        held: ExitStack,
    ) -> None:
        self.client, self.strategy, self.say, self.on_status = client, strategy, say, on_status
        self.name = strategy_id(type(strategy))
        self.world: World = world_named(client, world_id)
        self.stop = stop or threading.Event()
        mode = require_binding(client, world_id, self.name)
        self.settings = dict(self.world.raw.get("broker") or {"kind": "paper"})
        self.saved = Saved(state_folder, world_id, self.name) if state_folder else None
        if self.saved:
            held.enter_context(self.saved.held())
        self.memory = (self.saved.read() if self.saved else None) or {}
        history = self.history(data, data_preset, provider)
        bars = bars_of(
            history,
            reached_by(
                self.memory, mode, kind=self.settings.get("kind", "paper"), reported=self.newest_reported
            ),
            start=parse_time(start) - 1 if start else None,
            feed=feed,
            replay=replay,
            speed=speed,
            poll=lambda after: self.polled(after, data_preset, provider),
        )
        self.history_bars, self.again, self.feed = bars.warm_up, bars.again, bars.feed
        self.engine = Engine(strategy, history.symbols, history.interval)
        self.code = code_hash(strategy)
        self.keeper = GateKeeper(
            client,
            world_id,
            client_id or f"{self.name[:96]}-{uuid.uuid4().hex[:8]}",
            {self.name: self.code},
            executor=executor,
            on_freeze=self.freeze,
            on_change=self.changed,
            on_rebalancing=self.rebalanced,
        )
        self.reporter = Reporter(client, world_id, self.name)
        self.reporter.load(self.memory.get("untold") or {})
        self.trader = Trader(
            self.name,
            self.keeper,
            paper=self.desk(brokers.paper_broker(self.settings, cash=self.capital)),
            make_live=self.make_live,
            carries_over=lambda: carries_over(client, world_id),
            why_lowered=lambda: why_lowered(client, world_id, self.name, client_id=self.keeper.client_id),
            say=say,
        )
        self.trader.catches_up = self.memory.get("last") is None
        self.executing = Executing(
            client,
            self.keeper,
            self.trader,
            executor=executor,
            broker_for=brokers.HandedBrokers(client, self.settings, self.keeper),
            say=say,
            save=self.save,
        )
        if state := self.memory.get("handed"):
            self.executing.load(state)
        self.trader.handed = self.executing
        self.bars = self.late = 0
        self.last: int | None = None
        self.traded = int(self.memory.get("last") or 0)  # bars up to this one are in the saved account
        self.is_warm = False
        self._nodes_at = 0.0
        self._save_at = time.monotonic() + SAVE_EVERY

    # --- before the first bar -------------------------------------------------------------------------------------
    @property
    def capital(self) -> Decimal:
        return Decimal(str(self.world.reference_capital or 1_000_000))

    def history(self, data: Any, data_preset: str | None, provider: Provider | None) -> Frame:
        """All bars that there are."""
        if data is not None:
            interval = self.world.data_presets[0].interval if self.world.data_presets else "1d"
            return frame_of(data, interval=interval).check(periods_per_year=self.world.periods_per_year)
        preset = choose(self.world.data_presets, data_preset, self.world.id)
        return load(preset, provider=provider, periods_per_year=self.world.periods_per_year)

    def newest_reported(self) -> int | None:
        newest = next(iter(self.client.performance(self.world.id, self.name, limit=1)), None)
        return None if newest is None else round(newest.ts.timestamp() * 1000)

    def polled(self, after: int, data_preset: str | None, provider: Provider | None) -> Feed:
        preset = choose(self.world.data_presets, data_preset, self.world.id)
        return PollingFeed(
            preset, after=after, provider=provider, on_failure=lambda error: self.say(f"no data: {error}")
        )

    def desk(self, broker: Any) -> Desk:
        made = Desk(
            world_id=self.world.id,
            strategy_id=self.name,
            symbols=self.symbols,
            broker=broker,
            capital=self.capital,
            gate=self.keeper if broker.mode == "live" else None,
            round_qty=brokers.lots_of(broker),
        )
        if state := (self.memory.get("desks") or {}).get(broker.mode):
            made.load(state)
        return made

    @property
    def symbols(self) -> tuple[str, ...]:
        return self.engine.symbols

    def make_live(self) -> Desk:
        broker = brokers.live_broker(
            self.client,
            self.settings,
            self.keeper,
            strategy_id=self.name,
            symbols=self.symbols,
            cash=self.capital,
        )
        desk = self.desk(broker)
        self.executing.collect(desk)  # what was filled while nobody looked
        self.trader.objection = brokers.differences(desk)
        if self.trader.objection:
            self.say(self.trader.objection)
        return desk

    # --- its life ---------------------------------------------------------------------------------------------------
    def run(self) -> RunReport:
        began = time.monotonic()
        ended, error = "completed", ""
        self.reset_nodes()
        try:
            self.warm_up()
            with self.keeper:
                self.reporter.start()
                if "live" in (self.memory.get("desks") or {}):
                    self.trader.live_desk()
                self.executing.start()
                ended, error = self.trade()
        except NodeError as failed:
            ended, error = "failed", f"{failed}\n\n{failed.trace}"
            self.say(str(failed))
        finally:
            if ended == "completed":
                self.engine.complete()
            self.reporter.nodes(self.engine.states())
            self.executing.stop()
            self.reporter.stop()
            self.save()
        return self.report(ended, error, time.monotonic() - began)

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
        for bar in self.history_bars.bars():
            self.warm_up_with(bar)
        self.is_warm = True
        if len(self.history_bars):
            self.say(
                f"warmed up with {len(self.history_bars)} bars to {iso(int(self.history_bars.times[-1]))}"
            )

    def warm_up_with(self, bar: Bar) -> None:
        targets = targets_of(self.engine.step(bar))
        if targets is not None:
            self.trader.targets = targets
        self.last = bar.time

    def trade(self) -> tuple[str, str]:
        for bar in chain(ReplayFeed(self.again).bars(self.stop), self.feed.bars(self.stop)):
            if self.keeper.failure is not None:
                return "failed", f"{self.keeper.failure} {self.keeper.failure.next_step}".strip()
            if self.last is not None and bar.time <= self.last:
                self.late += 1  # known already: a source that was asked again, a feed that begins anew
                continue
            if bar.time <= self.traded:
                self.warm_up_with(bar)  # the history that is there ends before the account
                continue
            # An account that has seen a bar is never saved without it, nor its record lost.
            with self.trader.lock:
                self.last = bar.time
                self.report_bar(*self.trader.see(bar))
            try:
                outputs = self.engine.step(bar)
            except NodeError:
                self.reporter.nodes(self.engine.states())
                self.trader.freeze()
                raise
            self.trader.trade(bar, targets_of(outputs))
            self.bars += 1
            self.now_and_then()
        if self.keeper.failure is not None:
            return "failed", f"{self.keeper.failure} {self.keeper.failure.next_step}".strip()
        return ("stopped" if self.stop.is_set() else "completed"), ""

    def report_bar(self, fills: Any, record: dict[str, Any] | None) -> None:
        if fills:
            self.reporter.fills([fill.document() for fill in fills])
        if record is not None:
            self.reporter.performance(self.trader.mode, record)

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
                    "mode": self.trader.mode,
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
        with suppress(QmtlError):  # it is told later, or left out where it would count for the wrong mode
            self.reporter.flush()

    def changed(self) -> None:
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
            "last": iso(self.last) if self.last is not None else None,
            "waiting": self.reporter.waiting,
            "nodes": {node.name: node.state.value for node in self.engine.nodes},
        }

    def report(self, ended: str, error: str, seconds: float) -> RunReport:
        desks = self.trader.desks
        return RunReport(
            world_id=self.world.id,
            strategy_id=self.name,
            ended=ended,
            bars=self.bars,
            seconds=seconds,
            mode=self.trader.mode,
            orders={mode: desk.tally.orders for mode, desk in desks.items()},
            fills={mode: desk.tally.fills for mode, desk in desks.items()},
            rejected=rejected_by(desks.values()),
            performance_reported=self.reporter.told.performance,
            fills_reported=self.reporter.told.fills + self.executing.fills.told,
            not_taken=dict(self.reporter.told.dropped),
            nodes=self.engine.states(),
            error=error,
        )
