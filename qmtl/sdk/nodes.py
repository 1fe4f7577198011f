"""What a strategy is made of: streams of bars, and nodes that compute something of their last `period` values."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qmtl.client.nearest import nearest
from qmtl.contracts.nodes import NodeState
from qmtl.sdk.errors import StrategyError
from qmtl.sdk.frame import FIELDS

Floats = NDArray[np.float64]
Compute = Callable[..., Any]


class Window:
    """The last values of something, oldest first, as one contiguous array; nothing newer exists in it."""

    def __init__(self, period: int, width: int) -> None:
        self.period = period
        self.count = 0
        self._room = np.full((max(2 * period, period + 64), width), np.nan)
        self._end = 0

    def push(self, values: Floats) -> None:
        if self._end == len(self._room):
            keep = self.period - 1
            self._room[:keep] = self._room[self._end - keep : self._end]
            self._end = keep
        self._room[self._end] = values
        self._end += 1
        self.count += 1

    def last(self, period: int) -> Floats:
        """Shape (period, width), read-only, and the caller's own: later bars do not change it."""
        view = self._room[self._end - period : self._end].copy()
        view.flags.writeable = False
        return view


@dataclass(eq=False)
class Stream:
    """Closed bars of one field of all symbols; a coarser interval than the data's has only its closed bars."""

    field: str
    interval: str
    period: int

    def __post_init__(self) -> None:
        self.period = whole(self.period, f"the stream {self.field!r}")


@dataclass(eq=False)
class Node:
    """`compute` is given one array (period, width) per input, oldest first, and gives one value per symbol.

    inputs: streams and other nodes. period: how many values of each input it looks at (default: the longest of its
    streams); it is computed only once there are so many. interval: how often it is computed (default: whenever an
    input has a new value). What compute gives: an array (symbols,), `{symbol: value}` (others 0), a number, or None for
    nothing new; of steps in between also any other number of values, and NaN.
    """

    name: str
    inputs: Sequence[Stream | Node]
    compute: Compute
    period: int | None = None
    interval: str | None = None
    state: NodeState = field(default=NodeState.INITIALIZED, init=False)
    received: int = field(default=0, init=False, repr=False)
    error: str = field(default="", init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.name or not isinstance(self.name, str):
            raise StrategyError("a node needs a name")
        if isinstance(self.inputs, Stream | Node) or not isinstance(self.inputs, Sequence):
            raise StrategyError(f"node {self.name!r} needs a list of its inputs: [{described(self.inputs)}]")
        if not self.inputs:
            raise StrategyError(f"node {self.name!r} has no inputs; give it a stream or another node")
        if not callable(self.compute):
            raise StrategyError(f"node {self.name!r} has no function to compute")
        if self.period is None:
            self.period = max([each.period for each in self.inputs if isinstance(each, Stream)], default=1)
        self.period = whole(self.period, f"node {self.name!r}")

    @property
    def looks_back(self) -> int:
        return self.period or 1

    def document(self) -> dict[str, Any]:
        """Its state as it is reported."""
        told: dict[str, Any] = {"node": self.name, "state": self.state.value, "period": self.looks_back}
        told["received"] = self.received
        return told | {"error": self.error[-4000:] or None} if self.error else told


def whole(period: Any, of: str) -> int:
    """A period as a number of bars. StrategyError for what is none."""
    try:
        count = None if isinstance(period, bool) else operator.index(period)
    except TypeError:
        count = None
    if count is None:
        raise StrategyError(f"{of} has the period {period!r}; it is a whole number of bars, like 20")
    if count < 1:
        raise StrategyError(f"{of} has the period {count}; it needs at least 1")
    return count


def no_input(node: Node, given: object, known: Iterable[str]) -> StrategyError:
    """What was given as an input is none. known: names of nodes, one of which may be meant."""
    text = f"node {node.name!r} has the input {given!r}, which is no stream and no node"
    if not isinstance(given, str):
        return StrategyError(text)
    if given.lower() in FIELDS:
        return StrategyError(f"{text}; did you mean self.stream({given.lower()!r})?")
    meant = nearest(given, set(known) - {node.name})
    hint = f"; did you mean the node {meant!r}? " if meant else "; "
    return StrategyError(f"{text}{hint}Give the node itself, which self.add(Node(...)) gives back")


def described(value: object) -> str:
    return f"the {type(value).__name__.lower()}" if isinstance(value, Stream | Node) else repr(value)


def in_order(nodes: Sequence[Node]) -> list[Node]:
    """The nodes and what they are made of, each after its inputs. StrategyError for circles and double names."""
    ordered: list[Node] = []
    done: set[int] = set()
    given = list(nodes)

    def visit(node: Node, path: tuple[Node, ...]) -> None:
        if node in path:
            raise StrategyError(
                f"the nodes go in a circle: {' -> '.join(each.name for each in (*path, node))}"
            )
        if id(node) in done:
            return
        for each in node.inputs:
            if isinstance(each, Node):
                visit(each, (*path, node))
            elif not isinstance(each, Stream):
                raise no_input(node, each, [known.name for known in (*given, *ordered)])
        done.add(id(node))
        ordered.append(node)

    for node in nodes:
        visit(node, ())
    names = [node.name for node in ordered]
    doubles = [name for name in names if names.count(name) > 1]
    if doubles:
        raise StrategyError(f"two nodes are called {doubles[0]!r}")
    return ordered
