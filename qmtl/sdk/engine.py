"""The graph of a strategy at work, bar by bar. History and live bars go through the same `step`: there is no other way
to compute anything, so that a replay cannot know what a stream would not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from qmtl.client.nearest import nearest
from qmtl.contracts.nodes import NodeState
from qmtl.sdk.authors import authors_code, place_of, trace_of, words_of
from qmtl.sdk.errors import DataError, NodeError, StrategyError
from qmtl.sdk.frame import Bar, Floats
from qmtl.sdk.intervals import bucket, iso, milliseconds
from qmtl.sdk.nodes import Node, Stream, Window, in_order
from qmtl.sdk.outputs import OUTPUTS, row_of
from qmtl.sdk.strategy import Strategy, setup_of

TAKES: Mapping[str, str] = {"open": "first", "high": "max", "low": "min", "volume": "sum"}
"""How a coarser bar takes its parts; any other field takes its last."""


class Coarse:
    """A field of bars of a coarser interval, given out when they have closed."""

    def __init__(self, field: str, length: int, step: int) -> None:
        self.take = TAKES.get(field, "last")
        self.length, self.step = length, step
        self.begins: int | None = None
        self.value: Floats | None = None

    def push(self, time: int, values: Floats) -> list[Floats]:
        """The bars that have closed by now: one that was late, and this one if it is complete."""
        if self.length == self.step:
            return [values]
        closed = []
        begins = bucket(time, self.length)
        if self.value is not None and begins != self.begins:
            closed.append(self.value)
            self.value = None
        self.value = values.copy() if self.value is None else self.taken(self.value, values)
        self.begins = begins
        if time + self.step >= begins + self.length:
            closed.append(self.value)
            self.value = None
        return closed

    def taken(self, before: Floats, values: Floats) -> Floats:
        if self.take == "first":
            return before
        if self.take == "last":
            return values.copy()
        combine = {"max": np.fmax, "min": np.fmin, "sum": np.add}[self.take]
        return np.asarray(combine(before, values))


class Engine:
    """A prepared strategy that is fed one closed bar after the other.

    `outputs` of a step: what each node gave at this bar, by name. NodeError where a compute function fails; the node is
    in error from then on and nothing is computed any more.
    """

    def __init__(self, strategy: Strategy, symbols: tuple[str, ...], interval: str) -> None:
        self.strategy = strategy.prepared(symbols, interval)
        self.symbols = symbols
        self.step_length = milliseconds(interval)
        self.computed: Counter[str] = Counter()
        self.gave: Counter[str] = Counter()
        self.time: int | None = None
        self._sources: dict[tuple[str, str], Coarse] = {}
        self._windows: dict[int, Window] = {}
        self._of_source: dict[tuple[str, str], Window] = {}
        self._clocks: dict[str, Coarse] = {}
        self._widths: dict[str, int] = {}
        self._needs: dict[int, int] = {}
        with authors_code(setup_of(strategy)):
            self.nodes = in_order(strategy.nodes)
            self._prepare()

    def _prepare(self) -> None:
        for node in self.nodes:
            node.state, node.received = NodeState.PRE_WARMUP, 0
            for each in node.inputs:
                need = max(self._needs.get(id(each), 1), node.looks_back)
                self._needs[id(each)] = need
                if isinstance(each, Stream):
                    self._source(each, max(need, each.period))
            if node.interval is not None:
                length = milliseconds(node.interval)
                if length % self.step_length:
                    raise StrategyError(f"node {node.name!r} cannot be computed each {node.interval}")
                self._clocks[node.name] = Coarse("close", length, self.step_length)

    def _source(self, stream: Stream, period: int) -> None:
        key = (stream.field, stream.interval)
        if key not in self._sources:
            self._sources[key] = Coarse(stream.field, milliseconds(stream.interval), self.step_length)
        window = self._of_source.get(key)
        if window is None or window.period < period:
            window = Window(period, len(self.symbols))
            self._of_source[key] = window

    def step(self, bar: Bar) -> dict[str, Floats]:
        """Take the next closed bar. DataError where it is not later than the last one."""
        if self.time is not None and bar.time <= self.time:
            raise DataError(f"the bar of {iso(bar.time)} comes after that of {iso(self.time)}")
        self.time = bar.time
        updated = self._push(bar)
        outputs: dict[str, Floats] = {}
        for node in self.nodes:
            if not self._is_due(node, bar.time, updated):
                continue
            row = self._compute(node)
            if row is None:
                continue
            outputs[node.name] = row
            self._keep(node, row)
            updated.add(id(node))
        return outputs

    def _push(self, bar: Bar) -> set[int | tuple[str, str]]:
        updated: set[int | tuple[str, str]] = set()
        for key, source in self._sources.items():
            values = bar.values.get(key[0])
            if values is None:
                raise DataError(f"the data has no {key[0]!r}, only {', '.join(bar.values)}")
            for row in source.push(bar.time, values):
                self._of_source[key].push(row)
                updated.add(key)
        return updated

    def _is_due(self, node: Node, time: int, updated: set[int | tuple[str, str]]) -> bool:
        if not any(self._key(each) in updated for each in node.inputs):
            return False
        if node.state is NodeState.PRE_WARMUP:
            node.received = min(node.looks_back, *(self._count(each) for each in node.inputs))
            if node.received == node.looks_back:
                node.state = NodeState.ACTIVE
        clock = self._clocks.get(node.name)
        on_time = clock is None or bool(clock.push(time, np.zeros(1)))
        return on_time and node.state is NodeState.ACTIVE

    @staticmethod
    def _key(each: Stream | Node) -> int | tuple[str, str]:
        return (each.field, each.interval) if isinstance(each, Stream) else id(each)

    def _window(self, each: Stream | Node) -> Window | None:
        if isinstance(each, Stream):
            return self._of_source[each.field, each.interval]
        return self._windows.get(id(each))

    def _count(self, each: Stream | Node) -> int:
        window = self._window(each)
        return 0 if window is None else window.count

    def _compute(self, node: Node) -> Floats | None:
        windows = []
        for each in node.inputs:
            window = self._window(each)
            assert window is not None
            windows.append(window.last(node.looks_back))
        self.computed[node.name] += 1
        try:
            with np.errstate(all="ignore"):
                row = row_of(node.name, node.compute(*windows), self.symbols, self._widths.get(node.name))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # sys.exit() of an author ends no run in silence
            raise self._failed(node, words_of(error), trace_of(error)) from error
        self.gave[node.name] += row is not None
        return row

    def _failed(self, node: Node, what: str, trace: str = "") -> NodeError:
        at = iso(self.time) if self.time is not None else ""
        failed = NodeError(node.name, at, what, trace or place_of(node.compute))
        node.state, node.error = NodeState.ERROR, failed.report
        return failed

    def _keep(self, node: Node, row: Floats) -> None:
        self._widths[node.name] = len(row)
        if id(node) not in self._needs:
            return
        window = self._windows.get(id(node))
        if window is None:
            window = self._windows[id(node)] = Window(self._needs[id(node)], len(row))
        window.push(row)

    def complete(self) -> None:
        """There are no more bars."""
        for node in self.nodes:
            if node.state is not NodeState.ERROR:
                node.state = NodeState.COMPLETED

    def require_fields(self, fields: Iterable[str]) -> None:
        """DataError where a stream asks for a field that the data does not have."""
        known = list(fields)
        for name, _ in self._sources:
            if name not in known:
                meant = nearest(name, known)
                hint = f"; did you mean {meant!r}?" if meant else ""
                raise DataError(f"the data has no {name!r}, only {', '.join(known)}{hint}")

    def never_decided(self, bars: int) -> NodeError:
        """Why a whole history led to nothing: the first node that never gave anything, or the data is too short."""
        for node in self.nodes:
            if (times := self.computed[node.name]) and not self.gave[node.name]:
                return self._failed(
                    node, f"it gave nothing at any of {times} bars; does its function return its value?"
                )
        node = next(node for node in self.nodes if node.name in OUTPUTS)
        longest = max(each.looks_back for each in self.nodes)
        return self._failed(
            node,
            f"it never decided anything in {bars} bars; it looks back {longest} of them: give it more history, "
            "or a shorter period",
        )

    def states(self) -> list[dict[str, object]]:
        return [node.document() for node in self.nodes]


def replay(engine: Engine, bars: Iterable[Bar]) -> list[tuple[int, dict[str, Floats]]]:
    """What the nodes give over a history."""
    outputs = [(bar.time, engine.step(bar)) for bar in bars]
    engine.complete()
    return outputs
