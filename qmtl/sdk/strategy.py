"""What authors write: a class that says which data it looks at and what it makes of it."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from qmtl.client.nearest import nearest
from qmtl.sdk.authors import authors_code
from qmtl.sdk.errors import StrategyError
from qmtl.sdk.intervals import milliseconds
from qmtl.sdk.nodes import Node, Stream
from qmtl.sdk.outputs import OUTPUTS

SIDES = ("long", "short", "both")


class Strategy:
    """Derive from it and write `setup`.

    >>> class Momentum(Strategy):
    ...     def setup(self):
    ...         prices = self.stream("close", interval="1d", period=61)
    ...         self.add(Node("weights", [prices], lambda w: (w[-1] > w[0]) / w.shape[1]))

    What it is called and how it is registered stands in class attributes; keyword arguments are its parameters, which
    are attributes too and part of a run's identity.
    """

    id: ClassVar[str] = ""
    """Its name in the service; by default made of the class's name."""
    family: ClassVar[str] = ""
    side: ClassVar[str] = "long"
    tags: ClassVar[tuple[str, ...]] = ()
    costs_bps: float = 5.0
    """What trading costs, in basis points of what is bought and sold."""

    params: Mapping[str, Any]
    symbols: tuple[str, ...]
    interval: str
    streams: list[Stream]
    nodes: list[Node]

    def __new__(cls, *args: Any, **params: Any) -> Self:
        """What it is made with is kept, also where an author's own `__init__` takes it: a replay makes it afresh."""
        made = super().__new__(cls)
        made._made_with = (args, params)
        made.params = arguments(cls, args, params)
        made.symbols, made.interval = (), "1d"
        made.streams, made.nodes = [], []
        return made

    _made_with: tuple[tuple[Any, ...], dict[str, Any]]

    def __init__(self, **params: Any) -> None:
        for name, value in params.items():
            if not hasattr(type(self), name):
                raise StrategyError(f"{type(self).__name__} has no parameter {name!r}")
            setattr(self, name, value)

    def setup(self) -> None:
        """Make streams and add nodes; `self.symbols` is known."""
        raise NotImplementedError

    def stream(self, field: str = "close", *, interval: str | None = None, period: int = 1) -> Stream:
        """Closed bars of a field (open, high, low, close, volume) of all symbols; the last `period` of them."""
        wanted = interval or self.interval
        if milliseconds(wanted) % milliseconds(self.interval):
            raise StrategyError(f"the data comes each {self.interval}; {wanted} cannot be made of that")
        found = Stream(field, wanted, period)
        self.streams.append(found)
        return found

    def add(self, node: Node) -> Node:
        """Add a node; its inputs need not be added by themselves."""
        if not isinstance(node, Node):
            raise StrategyError(f"{node!r} is no node; add Node(name, [inputs], function)")
        self.nodes.append(node)
        return node

    def prepared(self, symbols: tuple[str, ...], interval: str) -> Strategy:
        """Itself, set up for these symbols. AuthorError where that fails, or where nothing is to be done."""
        self.symbols, self.interval = symbols, interval
        self.streams, self.nodes = [], []
        with authors_code(setup_of(self)):
            if type(self).setup is Strategy.setup:
                raise StrategyError("there is none; write one that adds nodes")
            self.setup()
            if not any(node.name in OUTPUTS for node in self.nodes):
                raise StrategyError(
                    f"it adds no node named {', '.join(OUTPUTS[:-1])} or {OUTPUTS[-1]}: "
                    f"nothing says what is to be traded{self._meant()}"
                )
        return self

    def _meant(self) -> str:
        """Which of its nodes may be meant to say it."""
        for node in self.nodes:
            if meant := nearest(node.name, OUTPUTS):
                return f"; {node.name!r} is a step in between, did you mean {meant!r}?"
        return ""


def setup_of(strategy: Strategy) -> str:
    return f"setup of {type(strategy).__name__}"


def strategy_id(kind: type[Strategy]) -> str:
    """`id`, or the class's name in lower case: MeanReversion2 -> mean_reversion2."""
    return kind.id or re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind.__name__).lower()


def made(strategy: type[Strategy] | Strategy, params: Mapping[str, Any] | None = None) -> Strategy:
    """A fresh strategy of a class with parameters, or of one that was made with some.

    StrategyError for what is none, and for parameters that it does not have; AuthorError where its constructor fails.
    """
    if isinstance(strategy, Strategy):
        if params:
            raise StrategyError("parameters are given to a class; this strategy was made with its own")
        kind = type(strategy)
        args, given = strategy._made_with
    elif isinstance(strategy, type) and issubclass(strategy, Strategy) and strategy is not Strategy:
        kind, args, given = strategy, (), dict(params or {})
    else:
        raise StrategyError(f"{strategy!r} is no strategy: derive a class from qmtl.sdk.Strategy")
    check_described(kind)
    if params:
        require_parameters(kind, given)
    with authors_code(f"the constructor of {kind.__name__}"):
        return kind(*args, **given)


def require_parameters(kind: type[Strategy], params: Mapping[str, Any]) -> None:
    """StrategyError for one that it does not have."""
    try:
        inspect.signature(kind).bind(**params)
    except TypeError as error:
        raise StrategyError(f"{kind.__name__} cannot be made with {', '.join(params)}: {error}") from None
    if kind.__init__ is Strategy.__init__:
        for name in params:
            if not hasattr(kind, name):
                raise StrategyError(f"{kind.__name__} has no parameter {name!r}")


def arguments(kind: type[Strategy], args: tuple[Any, ...], params: Mapping[str, Any]) -> dict[str, Any]:
    """What it is made with, by name: a part of the identity of its runs."""
    try:
        bound = inspect.signature(kind.__init__).bind(None, *args, **params).arguments
    except (TypeError, ValueError):
        return dict(params)  # its constructor will say that
    return {
        name: value for name, value in list(bound.items())[1:] if name not in params and name != "params"
    } | dict(params)


def check_described(kind: type[Strategy]) -> None:
    """AuthorError where what stands in its class attributes is of no use."""
    with authors_code(f"the class {kind.__name__}"):
        for name in ("id", "family"):
            if not isinstance(getattr(kind, name), str):
                raise StrategyError(f"its {name} is {getattr(kind, name)!r}; give a text")
        if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}", strategy_id(kind)) is None:
            raise StrategyError(
                f"{strategy_id(kind)!r} is no name for the service; give it an `id` of letters, digits, - _ and ."
            )
        if kind.side not in SIDES:
            raise StrategyError(f"its side is {kind.side!r}; it is one of {', '.join(SIDES)}")
        if isinstance(kind.tags, str) or not all(isinstance(tag, str) for tag in kind.tags):
            raise StrategyError(f"its tags are {kind.tags!r}; give a tuple of texts")


def costs_of(strategy: Strategy) -> float:
    """What trading costs it, in basis points. AuthorError for what cannot be that."""
    with authors_code(f"costs_bps of {type(strategy).__name__}"):
        costs = float(strategy.costs_bps)
        if not (math.isfinite(costs) and costs >= 0):
            raise StrategyError(f"it is {costs:g}; give basis points, 0 or more")
        return costs
