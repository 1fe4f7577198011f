"""The graph: what nodes see, when they are computed, and that no replay knows more than a stream."""

from __future__ import annotations

import queue
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmtl.contracts.nodes import NodeState
from qmtl.sdk import Bar, Frame, Node, NodeError, Strategy, StrategyError
from qmtl.sdk.engine import Engine, replay
from qmtl.sdk.errors import DataError
from tests.sdk.authors import DAY, Breaking, Momentum, prices, weekdays


class Graph(Strategy):
    """Streams of two intervals, nodes upon nodes, a node that is computed weekly."""

    shape: tuple[int, int, int] = (3, 2, 2)

    def setup(self) -> None:
        fast, slow, top = self.shape
        daily = self.stream("close", period=fast)
        weekly = self.stream("close", interval="1w", period=slow)
        change = Node("change", [daily], lambda w: w[-1] / w[0] - 1.0, period=fast)
        trend = Node("trend", [weekly], lambda w: w[-1] - w.mean(axis=0), period=slow)
        mixed = Node("mixed", [change, trend], lambda c, t: c.sum(axis=0) + t[-1], period=top)
        rare = Node("rare", [change], lambda c: c[-1], interval="1w")
        self.add(Node("weights", [mixed], lambda w: np.tanh(w[-1])))
        self.add(rare)


shapes = st.tuples(st.integers(1, 12), st.integers(1, 4), st.integers(1, 4))


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[k], other[k], equal_nan=True) for k in one)


def streamed(strategy: Strategy, frame: Frame) -> list[tuple[int, dict[str, np.ndarray]]]:
    """Bar by bar through a queue from another thread, each bar an array of its own."""
    bars: queue.Queue[Bar | None] = queue.Queue()

    def feed() -> None:
        for bar in frame.bars():
            bars.put(Bar(bar.time, {name: values.copy() for name, values in bar.values.items()}))
        bars.put(None)

    threading.Thread(target=feed, daemon=True).start()
    engine = Engine(strategy, frame.symbols, frame.interval)
    outputs = []
    while (bar := bars.get()) is not None:
        outputs.append((bar.time, engine.step(bar)))
    return outputs


@settings(max_examples=40, deadline=None)
@given(shape=shapes, bars=st.integers(2, 120), seed=st.integers(0, 99))
def test_replay_and_stream_give_the_same_bar_by_bar(
    shape: tuple[int, int, int], bars: int, seed: int
) -> None:
    frame = prices(bars, 3, seed=seed)
    replayed = replay(Engine(Graph(shape=shape), frame.symbols, "1d"), frame.bars())
    live = streamed(Graph(shape=shape), frame)
    assert [time for time, _ in replayed] == [time for time, _ in live]
    assert all(same(one, other) for (_, one), (_, other) in zip(replayed, live, strict=True))


@settings(max_examples=40, deadline=None)
@given(shape=shapes, seed=st.integers(0, 99), cut=st.integers(1, 79))
def test_what_comes_later_changes_nothing_before_it(shape: tuple[int, int, int], seed: int, cut: int) -> None:
    frame = prices(80, 3, seed=seed)
    close = frame.close.copy()
    close[cut:] = close[cut:][::-1] * 7.0
    other = Frame(frame.times, frame.symbols, {"close": close})
    ours = replay(Engine(Graph(shape=shape), frame.symbols, "1d"), frame.bars())
    theirs = replay(Engine(Graph(shape=shape), frame.symbols, "1d"), other.bars())
    assert all(same(one, two) for (_, one), (_, two) in zip(ours[:cut], theirs[:cut], strict=True))


def test_a_window_is_the_last_closed_bars() -> None:
    seen: list[list[float]] = []

    class Looks(Strategy):
        def setup(self) -> None:
            self.add(Node("weights", [self.stream(period=3)], lambda w: seen.append(w[:, 0].tolist())))

    frame = Frame(weekdays(5), ("A",), {"close": np.arange(1.0, 6.0)[:, None]})
    replay(Engine(Looks(), ("A",), "1d"), frame.bars())
    assert seen == [[1, 2, 3], [2, 3, 4], [3, 4, 5]]


def test_a_window_that_is_kept_does_not_change() -> None:
    kept: list[np.ndarray] = []

    class Keeps(Strategy):
        def setup(self) -> None:
            self.add(Node("weights", [self.stream(period=2)], lambda w: kept.append(w)))

    frame = prices(300, 1)
    replay(Engine(Keeps(), frame.symbols, "1d"), frame.bars())
    assert all(np.array_equal(w, frame.close[n : n + 2]) for n, w in enumerate(kept))


def test_a_window_cannot_be_written_to() -> None:
    class Writes(Strategy):
        def setup(self) -> None:
            self.add(Node("weights", [self.stream()], lambda w: w.__setitem__(0, 0.0)))

    with pytest.raises(NodeError, match="read-only"):
        replay(Engine(Writes(), ("S0",), "1d"), prices(3, 1).bars())


def weekly_of(frame: Frame) -> list[tuple[int, float]]:
    seen: list[tuple[int, float]] = []

    class Weekly(Strategy):
        def setup(self) -> None:
            self.add(Node("weights", [self.stream(interval="1w")], lambda w: seen.append(w[-1, 0])))

    engine = Engine(Weekly(), frame.symbols, frame.interval)
    found = []
    for bar in frame.bars():
        engine.step(bar)
        found += [(bar.time, value) for value in seen]
        seen.clear()
    return found


def test_a_week_is_seen_only_once_it_is_over() -> None:
    frame = prices(15, 1)
    found = weekly_of(frame)
    mondays = frame.times[[5, 10]].tolist()
    assert [time for time, _ in found] == mondays
    assert [value for _, value in found] == frame.close[[4, 9], 0].tolist()


def test_a_coarser_bar_takes_its_parts_as_bars_do() -> None:
    seen: dict[str, list[float]] = {}

    class Four(Strategy):
        def setup(self) -> None:
            for name in ("open", "high", "low", "close", "volume"):
                stream = self.stream(name, interval="4h")
                keep = seen.setdefault(name, [])
                self.add(
                    Node(
                        name if name != "close" else "weights", [stream], lambda w, k=keep: k.append(w[-1, 0])
                    )
                )

    times = np.arange(8, dtype=np.int64) * 3_600_000
    grid = {
        name: np.arange(1.0, 9.0)[:, None] + place
        for place, name in enumerate(("open", "high", "low", "close"))
    }
    frame = Frame(times, ("A",), {**grid, "volume": np.full((8, 1), 10.0)}, "1h")
    replay(Engine(Four(), ("A",), "1h"), frame.bars())
    assert seen == {"open": [1, 5], "high": [5, 9], "low": [3, 7], "close": [7, 11], "volume": [40, 40]}


def test_states_go_from_waiting_to_completed() -> None:
    engine = Engine(Momentum(), prices(5).symbols, "1d")
    (node,) = engine.nodes
    states = [node.state]
    for bar in prices(70).bars():
        engine.step(bar)
        if node.state is not states[-1]:
            states.append(node.state)
    engine.complete()
    assert [*states, node.state] == [NodeState.PRE_WARMUP, NodeState.ACTIVE, NodeState.COMPLETED]


def test_a_node_that_fails_is_in_error_with_its_traceback() -> None:
    frame = prices(200, 2)
    engine = Engine(Breaking(), frame.symbols, "1d")
    with pytest.raises(NodeError, match="'weights' failed at 2010-05-21") as caught:
        replay(engine, frame.bars())
    assert engine.nodes[0].state is NodeState.ERROR
    assert 'raise ZeroDivisionError("nothing to divide by")' in caught.value.trace


@pytest.mark.parametrize(
    ("leaving", "raised"), [(SystemExit(0), NodeError), (KeyboardInterrupt(), KeyboardInterrupt)]
)
def test_leaving_the_process_is_a_failure_and_an_interrupt_is_none(
    leaving: BaseException, raised: type[BaseException]
) -> None:
    class Leaving(Strategy):
        def setup(self) -> None:
            self.add(Node("weights", [self.stream()], self.decide))

        def decide(self, w: np.ndarray) -> np.ndarray:
            raise leaving

    with pytest.raises(raised):
        replay(Engine(Leaving(), ("A",), "1d"), prices(3, 1).bars())


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda s: None, "adds no node named"),
        (lambda s: s.add(Node("other", [s.stream()], len)), "adds no node named"),
        (
            lambda s: [s.add(Node("weights", [s.stream()], len)) for _ in "ab"],
            "two nodes are called 'weights'",
        ),
        (lambda s: s.add(Node("weights", [], len)), "no inputs"),
        (lambda s: s.add(Node("weights", [s.stream()], 7)), "no function"),  # type: ignore[arg-type]
        (lambda s: s.add(Node("weights", [s.stream(interval="1h")], len)), "cannot be made"),
        (lambda s: s.add(Node("weights", ["close"], len)), "no stream and no node"),  # type: ignore[list-item]
        (lambda s: s.stream(period=0), "at least 1"),
        (lambda s: s.stream(period=2.5), "stream 'close' has the period 2.5; it is a whole number of bars"),
        (lambda s: s.stream(period=True), "it is a whole number"),
        (lambda s: s.stream(period="20"), "it is a whole number"),
        (
            lambda s: s.add(Node("weights", [s.stream()], len, period=2.5)),
            "node 'weights' has the period 2.5",
        ),  # type: ignore[arg-type]
        (lambda s: s.add(Node("weights", [s.stream()], len, period=-1)), "at least 1"),
        (lambda s: s.stream(interval=5), "not an interval"),
        (lambda s: s.add(Node("wieghts", [s.stream()], len)), "did you mean 'weights'"),
        (lambda s: s.add(Node("weights", ["close"], len)), r"did you mean self.stream\('close'\)"),  # type: ignore[list-item]
        (
            lambda s: [
                s.add(Node("momentum", [s.stream()], len)),
                s.add(Node("weights", ["momentun"], len)),  # type: ignore[list-item]
            ],
            "did you mean the node 'momentum'",
        ),
    ],
)
def test_a_graph_that_makes_no_sense_is_told(make: object, said: str) -> None:
    class Wrong(Strategy):
        def setup(self) -> None:
            make(self)  # type: ignore[operator]

    with pytest.raises(StrategyError, match=said):
        Engine(Wrong(), ("A",), "1d")


def test_a_period_may_be_any_whole_number() -> None:
    class Counted(Strategy):
        def setup(self) -> None:
            self.add(
                Node("weights", [self.stream(period=np.int64(3))], lambda w: w[-1] * 0, period=np.int32(2))
            )  # type: ignore[arg-type]

    engine = Engine(Counted(), ("A",), "1d")
    assert [type(node.period) for node in engine.nodes] == [int]


def test_a_field_that_the_data_lacks_is_told_with_the_nearest() -> None:
    class Typo(Strategy):
        def setup(self) -> None:
            self.add(Node("weights", [self.stream("volme")], len))

    with pytest.raises(DataError, match="did you mean 'volume'"):
        Engine(Typo(), ("A",), "1d").require_fields(["close", "volume"])


def test_circles_are_told() -> None:
    class Circle(Strategy):
        def setup(self) -> None:
            one = Node("one", [self.stream()], len)
            weights = Node("weights", [one], len)
            one.inputs = [weights]
            self.add(weights)

    with pytest.raises(StrategyError, match="circle: weights -> one -> weights"):
        Engine(Circle(), ("A",), "1d")


@pytest.mark.parametrize(
    ("result", "said"),
    [({"Z": 1.0}, "names 'Z'"), (np.ones((2, 2)), "shape"), ("many", "gives 'many'")],
)
def test_an_output_that_makes_no_sense_is_told(result: object, said: str) -> None:
    class Odd(Strategy):
        def setup(self) -> None:
            self.add(Node("weights", [self.stream()], lambda w: result))

    with pytest.raises(NodeError, match=said):
        replay(Engine(Odd(), ("A", "B"), "1d"), prices(3, 2).bars())


def test_a_day_is_a_day() -> None:
    assert weekdays(6)[5] - weekdays(6)[4] == 3 * DAY
