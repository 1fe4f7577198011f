"""Trading through the running service: paper, promotion, the gate, its closing, restarts."""

from __future__ import annotations

import json
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db.models.functions import Now

from qmtl.client import Client, errors
from qmtl.client.documents import DataPreset
from qmtl.sdk import Bar, Frame, Node, Runner, Strategy, StrategyError
from qmtl.sdk.runtime import QueueFeed, RunReport
from strategies.models import GateClient
from tests.sdk.authors import Holding, prices
from tests.sdk.conftest import POLICY, make_world
from tests.sdk.service import Service
from tests.waiting import wait_for

HELD = prices(1600, 5)


class Running:
    """`Runner.run` in a thread, fed bar by bar by the test."""

    def __init__(self, client: Client, strategy: Any, world: str, folder: Path, **options: Any) -> None:
        self.said: list[str] = []
        self.bars: queue.Queue[Bar | None] = queue.Queue()
        self.next = 700
        self.result: RunReport | BaseException | None = None
        options = {"feed": QueueFeed(self.bars), "data": HELD, "state_folder": folder, **options}

        def work() -> None:
            try:
                self.result = Runner.run(
                    strategy, world, client=client, say=self.said.append, start="2012-09-01", **options
                )
            except BaseException as error:
                self.result = error

        self.thread = threading.Thread(target=work, daemon=True)
        self.thread.start()

    def feed(self, count: int = 1) -> None:
        frame = HELD.part(int(HELD.times[self.next]))
        for _, bar in zip(range(count), frame.bars(), strict=False):
            self.bars.put(bar)
            self.next += 1

    def until(self, condition: Callable[[], object], seconds: float = 30.0) -> None:
        """Feeds bars until something is so."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.result is None, self.result
            assert time.monotonic() < deadline, self.said
            self.feed()
            time.sleep(0.1)

    def said_that(self, text: str) -> bool:
        return any(text in line for line in self.said)

    def end(self) -> RunReport:
        self.bars.put(None)
        self.thread.join(timeout=30)
        assert isinstance(self.result, RunReport), self.result
        return self.result


@pytest.fixture
def running(client: Client, tmp_path: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(strategy: Any, world: str, **options: Any) -> Running:
        started.append(Running(options.pop("client", client), strategy, world, tmp_path, **options))
        return started[-1]

    yield start
    for each in started:
        each.bars.put(None)
        each.thread.join(timeout=30)


def ready(client: Client, world: str, strategy: type[Strategy], *, policy: Any = POLICY) -> None:
    """A world in which the strategy has passed its backtest and trades on paper."""
    make_world(client, world, allow_live=True)
    client.publish_policy(world, policy)
    result = Runner.submit(strategy, world, client=client, data=HELD)
    assert result.status == "pass", result.explain()


def told_by_mode(client: Client, world: str, name: str) -> dict[str, list[datetime]]:
    found: dict[str, list[datetime]] = {"paper": [], "live": []}
    for point in client.performance(world, name, limit=500):
        found[point.mode].append(point.ts)
    return found


def copy_of(name: str) -> type[Strategy]:
    return type("Copy", (Holding,), {"id": name, "__module__": Holding.__module__})


def test_paper_then_live_then_closed(client: Client, running: Callable[..., Running]) -> None:
    """The whole life in one run: fills on paper, promotion, the gate opens, live fills, a pause closes it."""
    strategy = copy_of("climber")
    ready(client, "life", strategy)
    run = running(strategy, "life")
    run.until(lambda: len(list(client.performance("life", "climber"))) >= 30)
    wait_for(lambda: list(client.fills("life", "climber")))
    assert {fill.mode for fill in client.fills("life", "climber")} == {"paper"}

    decided = client.evaluate_world("life")
    assert decided.plan["promote"] == ["climber"], decided.raw
    run.until(lambda: run.said_that("gate open"))
    run.until(lambda: any(fill.mode == "live" for fill in client.fills("life", "climber")))
    applied = next(client.applies("life"))
    wait_for(lambda: client.apply_status("life", applied.run_id).phase == "completed")
    acks = client.apply_status("life", applied.run_id).acks
    assert [ack["phase"] for ack in acks] == ["freeze", "unfreeze"]

    client.set_world_state("life", "PAUSED", reason="to see it close")
    run.until(lambda: run.said_that("gate closed"))
    closed_at = run.next
    run.feed(5)
    time.sleep(0.5)
    report = run.end()
    live = [fill.ts for fill in client.fills("life", "climber") if fill.mode == "live"]  # told a little later
    assert max(live) < datetime.fromtimestamp(HELD.times[closed_at] / 1000, tz=UTC)
    assert report.mode == "compute-only"
    assert report.fills["live"] == len(live)
    assert report.not_taken == {}
    assert closed_at + 5 == run.next
    told = told_by_mode(client, "life", "climber")
    days = [datetime.fromtimestamp(each / 1000, tz=UTC) for each in HELD.times[701 : run.next].tolist()]
    assert sorted(told["paper"] + told["live"]) == days  # each day once, those of the pause too
    assert max(told["paper"]) < min(told["live"])
    assert {node["state"] for node in client.nodes("life", "climber")["nodes"]} == {"completed"}
    assert not any(gate.holds_lease for gate in client.gates("life"))


def test_what_a_stopped_strategy_still_holds_for_real_is_told_as_live(
    client: Client, running: Callable[..., Running]
) -> None:
    strategy = copy_of("stopped")
    ready(client, "stopping", strategy)
    run = running(strategy, "stopping")
    run.until(lambda: len(list(client.performance("stopping", "stopped"))) >= 30)
    client.evaluate_world("stopping")
    run.until(lambda: any(fill.mode == "live" for fill in client.fills("stopping", "stopped")))
    client.deactivate_strategy("stopped", world_id="stopping", reason="to see what is left")
    run.until(lambda: run.said_that("mode live -> "))
    run.feed(5)
    assert run.end().not_taken == {}
    (binding,) = [each for each in client.bindings("stopping") if each.strategy_id == "stopped"]
    assert binding.state == "inactive"
    told = told_by_mode(client, "stopping", "stopped")
    assert max(told["live"]) == datetime.fromtimestamp(int(HELD.times[run.next - 1]) / 1000, tz=UTC)
    assert len(told["paper"] + told["live"]) == run.next - 701


@pytest.mark.parametrize("carries", [False, True])
def test_positions_are_taken_over_only_where_the_policy_says_so(
    client: Client, running: Callable[..., Running], carries: bool
) -> None:
    class Once(Strategy):
        """Buys when it first can, and never decides again."""

        id = f"once-{carries}".lower()

        def setup(self) -> None:
            self.decided = False
            self.add(Node("weights", [self.stream(period=2)], self.decide))

        def decide(self, w: np.ndarray) -> np.ndarray | None:
            if self.decided:
                return None
            self.decided = True
            return np.ones(w.shape[1]) / w.shape[1]

    profiles = POLICY["validation_profiles"]
    backtest = {**profiles["backtest"], "sample": {"min_effective_years": 1.0, "min_trades_total": 1}}
    policy = {
        **POLICY,
        "validation_profiles": {**profiles, "backtest": backtest},
        "position_policy": {"carry_over": carries},
    }
    world = f"carry-{carries}".lower()
    ready(client, world, Once, policy=policy)
    run = running(Once, world)
    run.until(lambda: len(list(client.performance(world, Once.id))) >= 30)
    client.evaluate_world(world)
    run.until(lambda: run.said_that("gate open"))
    run.feed(4)
    report = run.end()
    assert bool(report.fills.get("live")) is carries


def test_a_restart_of_the_service_loses_and_doubles_nothing(
    service: Service, running: Callable[..., Running]
) -> None:
    service.stop("web")
    service.start("web", QMTL_GATE_LEASE="6s")  # the gate closes when it has run out; not of the default 15 s
    with service.client() as client:
        strategy = copy_of("survivor")
        ready(client, "outage", strategy)
        run = running(strategy, "outage")
        run.until(lambda: len(list(client.performance("outage", "survivor"))) >= 30)
        assert client.evaluate_world("outage").plan["promote"] == ["survivor"]
        run.until(lambda: run.said_that("gate open"))
        service.stop("web", "stream")
        run.until(lambda: run.said_that("gate closed"), seconds=40.0)
        service.start("web", "stream")
        already = len([line for line in run.said if line == "gate open"])
        run.until(lambda: len([line for line in run.said if line == "gate open"]) > already, seconds=40.0)
        report = run.end()
        told = [point.ts for point in client.performance("outage", "survivor")]
        assert len(told) == run.next - 701  # no day is missing, also of those without a link
        fills = [fill.fill_id for fill in client.fills("outage", "survivor", limit=500)]
    assert len(told) == len(set(told)) == report.performance_reported
    assert len(fills) == len(set(fills)) == sum(report.fills.values())


def test_a_runner_that_starts_again_goes_on(client: Client, running: Callable[..., Running]) -> None:
    strategy = copy_of("again")
    ready(client, "twice", strategy)
    first = running(strategy, "twice")
    first.feed(10)
    report = first.end()
    assert report.performance_reported == 9
    again = running(strategy, "twice")
    again.feed(20)  # the first ten are known: they only warm up
    again.end()
    told = sorted(point.ts for point in client.performance("twice", "again"))
    assert len(told) == len(set(told))


def test_a_killed_runner_goes_on_from_its_saved_account(
    client: Client, running: Callable[..., Running], tmp_path: Path
) -> None:
    """What was saved is older than what was told: as after kill -9. The bars between are traded again, to the same."""
    strategy = copy_of("killed")
    ready(client, "kill", strategy)
    first = running(strategy, "kill")
    first.feed(6)
    first.end()
    state = tmp_path / "kill-killed.json"
    old = state.read_text()
    second = running(strategy, "kill")
    second.next = first.next
    second.feed(6)
    assert second.end().not_taken == {}
    told, fills, account = known(client), list(client.fills("kill", "killed", limit=500)), state.read_text()
    state.write_text(old)
    third = running(strategy, "kill")
    third.next = second.next
    assert third.end().not_taken == {}
    assert known(client) == told
    assert [each.fill_id for each in client.fills("kill", "killed", limit=500)] == [f.fill_id for f in fills]
    assert json.loads(state.read_text())["desks"] == json.loads(account)["desks"]


class Source:
    """A provider that has so many bars by now."""

    def __init__(self, count: int) -> None:
        self.count = count

    def load(self, preset: DataPreset) -> Frame:
        return HELD.part(stop=int(HELD.times[self.count]))


def test_bars_that_were_missed_are_marked_and_not_traded(
    client: Client, running: Callable[..., Running]
) -> None:
    """Ten days without a runner: nobody trades at their prices, and no day of what was held is missing."""
    strategy = copy_of("sleeper")
    ready(client, "missed", strategy)
    first = running(strategy, "missed")
    first.feed(20)
    first.end()
    stop = threading.Event()
    again = running(strategy, "missed", feed=None, data=None, provider=Source(first.next + 10), stop=stop)
    newest = datetime.fromtimestamp(int(HELD.times[first.next + 9]) / 1000, tz=UTC)
    wait_for(lambda: newest in told_by_mode(client, "missed", "sleeper")["paper"])
    stop.set()
    assert again.end().missed == 9
    assert len(told_by_mode(client, "missed", "sleeper")["paper"]) == 29
    # What waited at the broker is filled by the first bar; nothing was ordered at those that were missed.
    begin = datetime.fromtimestamp(int(HELD.times[first.next]) / 1000, tz=UTC)
    assert not [each for each in client.fills("missed", "sleeper", limit=500) if each.ts > begin]
    assert again.said_that("bars were missed")


def known(client: Client) -> list[Any]:
    return [point.raw for point in client.performance("kill", "killed")]


def test_a_second_runner_is_refused_while_the_first_trades_on(
    client: Client, running: Callable[..., Running], tmp_path: Path
) -> None:
    strategy = copy_of("lonely")
    ready(client, "lonely", strategy)
    first = running(strategy, "lonely")
    first.until(lambda: first.said_that("mode paper"))
    with pytest.raises(StrategyError, match="another process runs this strategy") as refused:
        Runner.run(strategy, "lonely", client=client, data=HELD, replay=True, state_folder=tmp_path)
    assert refused.value.exit_status == 2
    with pytest.raises(StrategyError, match=r"another runner .* trades lonely already") as elsewhere:
        Runner.run(strategy, "lonely", client=client, data=HELD, replay=True, state_folder=tmp_path / "far")
    assert elsewhere.value.exit_status == 2
    assert len({each.client_id for each in client.gates("lonely")}) == 1  # it did not even register
    assert first.end().ended == "completed"
    again = running(strategy, "lonely")
    assert again.end().ended == "completed"


def test_a_runner_that_was_replaced_while_it_slept_ends_when_it_wakes(
    client: Client, running: Callable[..., Running], tmp_path: Path
) -> None:
    """Without waiting for another bar, with the status of who need not be started again."""
    strategy = copy_of("drowsy")
    ready(client, "drowsy", strategy)
    first = running(strategy, "drowsy")
    first.until(lambda: first.said_that("mode paper"))
    rows = GateClient.objects.filter(world="drowsy", revoked_at=None)
    rows.update(lease_until=Now() - timedelta(seconds=1))
    other = running(strategy, "drowsy", state_folder=tmp_path / "far")
    other.next = first.next
    other.until(lambda: other.said_that("mode paper"))
    first.thread.join(timeout=20)
    assert isinstance(first.result, RunReport), first.result
    assert (first.result.ended, first.result.exit_status) == ("failed", 2)
    assert re.search(r"another runner \(drowsy-\w+, since .*\) trades drowsy already", first.result.error)
    assert first.said_that("another runner")
    assert other.end().ended == "completed"


def test_a_failing_node_stops_it_and_the_service_knows(
    client: Client, running: Callable[..., Running]
) -> None:
    class Later(Strategy):
        """Fails on a live bar."""

        id = "later"

        def setup(self) -> None:
            self.add(Node("weights", [self.stream()], self.decide))

        def decide(self, w: np.ndarray) -> np.ndarray:
            if failing.is_set():
                raise RuntimeError("no more")
            return np.ones(w.shape[1]) / w.shape[1]

    failing = threading.Event()
    ready(client, "broken", Later)
    run = running(Later, "broken")
    run.until(lambda: list(client.performance("broken", "later")))
    failing.set()
    run.feed()
    run.thread.join(timeout=30)
    assert isinstance(run.result, RunReport), run.result
    assert (run.result.ended, run.result.exit_status) == ("failed", 1)
    assert "no more" in run.result.error
    assert run.result.failed_at is not None
    assert (run.result.failed_at["where"], run.result.failed_at["kind"]) == ("node 'weights'", "RuntimeError")
    (node,) = client.nodes("broken", "later")["nodes"]
    assert node["state"] == "error"
    assert client.activation("broken", "later").effective_mode == "compute-only"


def test_other_code_than_the_judged_one_does_not_trade(
    client: Client, running: Callable[..., Running]
) -> None:
    strategy = copy_of("judged")
    ready(client, "foreign", strategy)

    class Other(Holding):
        """The same name, other code."""

        id = "judged"
        costs_bps = 7.0

    Other.__module__ = "elsewhere"
    run = running(Other, "foreign")
    run.until(lambda: run.said_that("mode compute-only"))
    assert run.end().orders == {"paper": 0}


def test_who_was_never_submitted_is_told_to(client: Client) -> None:
    make_world(client, "empty")
    with pytest.raises(StrategyError, match="submit it first"):
        Runner.run(copy_of("stranger"), "empty", client=client, data=HELD, replay=True)


def test_who_may_not_is_told_so(service: Service, client: Client) -> None:
    with service.client("wrong") as stranger, pytest.raises(errors.Unauthenticated):
        Runner.run(Holding, "life", client=stranger, data=HELD, replay=True)


def test_a_replay_ends_with_its_history(client: Client, tmp_path: Path) -> None:
    strategy = copy_of("replayed")
    ready(client, "replay", strategy)
    said: list[str] = []
    report = Runner.run(
        strategy, "replay", client=client, data=HELD, replay=True, start="2011-01-01", state_folder=tmp_path,
        say=said.append,
    )  # fmt: skip
    assert (report.ended, report.bars) == (
        "completed",
        len(HELD.part(int(np.datetime64("2011-01-01", "ms").astype(int)))),
    )
    assert report.performance_reported == report.bars - 1
