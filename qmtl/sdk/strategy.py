"""What authors write: a class that says which data it looks at and what it makes of it."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from qmtl.sdk.errors import StrategyError
from qmtl.sdk.intervals import milliseconds
from qmtl.sdk.nodes import Node, Stream

OUTPUTS = ("weights", "signals", "returns")
"""Names of the node that says what is to be done: weights of equity per symbol, signals that are spread evenly, or the
returns that the strategy has worked out by itself."""


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

    def __init__(self, **params: Any) -> None:
        for name, value in params.items():
            if not hasattr(type(self), name):
                raise StrategyError(f"{type(self).__name__} has no parameter {name!r}")
            setattr(self, name, value)
        self.params = params
        self.symbols: tuple[str, ...] = ()
        self.interval = "1d"
        self.streams: list[Stream] = []
        self.nodes: list[Node] = []

    def setup(self) -> None:
        """Make streams and add nodes; `self.symbols` is known."""
        raise NotImplementedError

    def stream(self, field: str = "close", *, interval: str | None = None, period: int = 1) -> Stream:
        """Closed bars of a field (open, high, low, close, volume) of all symbols; the last `period` of them."""
        if period < 1:
            raise StrategyError(f"the stream {field!r} has the period {period}; it needs at least 1")
        wanted = interval or self.interval
        if milliseconds(wanted) % milliseconds(self.interval):
            raise StrategyError(f"the data comes each {self.interval}; {wanted} cannot be made of that")
        found = Stream(field, wanted, period)
        self.streams.append(found)
        return found

    def add(self, node: Node) -> Node:
        """Add a node; its inputs need not be added by themselves."""
        self.nodes.append(node)
        return node

    def prepared(self, symbols: tuple[str, ...], interval: str) -> Strategy:
        """Itself, set up for these symbols. StrategyError where it says nothing to be done."""
        self.symbols, self.interval = symbols, interval
        self.streams, self.nodes = [], []
        try:
            self.setup()
        except NotImplementedError:
            raise StrategyError(f"{type(self).__name__} has no setup(); write one that adds nodes") from None
        except SystemExit as error:
            raise StrategyError(
                f"setup of {type(self).__name__} ends the process: sys.exit({error})"
            ) from None
        if not any(node.name in OUTPUTS for node in self.nodes):
            raise StrategyError(
                f"{type(self).__name__} adds no node named {', '.join(OUTPUTS[:-1])} or {OUTPUTS[-1]}: "
                "nothing says what is to be traded"
            )
        return self


def strategy_id(kind: type[Strategy]) -> str:
    """`id`, or the class's name in lower case: MeanReversion2 -> mean_reversion2."""
    return kind.id or re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind.__name__).lower()


def made(strategy: type[Strategy] | Strategy) -> Strategy:
    """A fresh strategy of a class, or of one with parameters. StrategyError for anything else."""
    if isinstance(strategy, Strategy):
        return type(strategy)(**strategy.params)
    if isinstance(strategy, type) and issubclass(strategy, Strategy) and strategy is not Strategy:
        return strategy()
    raise StrategyError(f"{strategy!r} is no strategy: derive a class from qmtl.sdk.Strategy")
