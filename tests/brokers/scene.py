"""The same market for every broker: one symbol that the test trades, and a price that it moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

from qmtl.brokers import (
    Broker,
    Fill,
    Instrument,
    NotionalFees,
    Order,
    OrderType,
    PaperBroker,
    Side,
    Terms,
    client_order_id,
    owner_tag,
    quote,
)
from qmtl.brokers.exchange import CcxtBroker
from tests.brokers.simulated import SPOT, SWAP, SimulatedExchange

WORLD, STRATEGY = "alpha", "mom"
BEGIN = datetime.fromtimestamp(1_700_000_000, tz=UTC)
OWNERS = {owner_tag(WORLD, STRATEGY): STRATEGY}
D = Decimal


def name(number: int) -> str:
    return client_order_id(WORLD, STRATEGY, number)


def order(number: int = 1, side: str = "buy", qty: str = "2", **fields: Any) -> Order:
    """An order on the spot market; with `limit` a limit order."""
    limit = fields.pop("limit", None)
    return Order(
        client_order_id=name(number),
        side=Side(side),
        qty=D(qty),
        type=OrderType.MARKET if limit is None else OrderType.LIMIT,
        limit_price=None if limit is None else D(limit),
        **{"strategy_id": STRATEGY, "symbol": SPOT, "ts": BEGIN + timedelta(seconds=1), **fields},
    )


class Scene(Protocol):
    symbol: str
    broker: Broker

    def trade_at(self, price: str) -> None: ...

    def at_most(self, qty: str) -> None: ...

    def begin_again(self) -> Broker: ...


@dataclass
class PaperScene:
    symbol: str = SPOT

    def __post_init__(self) -> None:
        self.shortable = self.symbol != SPOT
        self.volume: Decimal | None = None
        self.now = BEGIN
        self.broker = self.new()
        self.trade_at("100" if self.symbol == SPOT else "50")

    def new(self) -> PaperBroker:
        return PaperBroker(
            fill_at="mark",
            cash=D(100_000),
            max_leverage=D(1),
            fees=NotionalFees(taker_bps=D(10)),
            default_terms=None,
            participation=D(1),
            terms={
                Instrument(SPOT): Terms(lot=D("0.001"), tick=D("0.5"), min_notional=D(5), shortable=False),
                Instrument(SWAP): Terms(lot=D("0.1"), tick=D("0.5"), min_notional=D(5)),
            },
        )

    def trade_at(self, price: str) -> None:
        self.now += timedelta(seconds=1)
        bar = quote(self.symbol, D(price), self.now)
        self.broker.see(bar if self.volume is None else with_volume(bar, self.volume))

    def at_most(self, qty: str) -> None:
        self.volume = D(qty)
        self.trade_at("100" if self.symbol == SPOT else "50")

    def begin_again(self) -> Broker:
        state = self.broker.state()
        self.broker = self.new()
        self.broker.load(state)
        return self.broker


def with_volume(bar: Any, volume: Decimal) -> Any:
    from dataclasses import replace

    return replace(bar, volume=volume)


@dataclass
class ExchangeScene:
    symbol: str = SPOT

    def __post_init__(self) -> None:
        self.exchange = SimulatedExchange()
        self.broker = self.new()

    def new(self, started: datetime = BEGIN) -> CcxtBroker:
        return CcxtBroker(self.exchange, symbols=[SPOT, SWAP], owners=OWNERS, clock=lambda: started)

    def trade_at(self, price: str) -> None:
        self.exchange.trade_at(D(price), self.symbol)

    def at_most(self, qty: str) -> None:
        self.exchange.most = D(qty) / self.exchange.size(self.symbol)

    def begin_again(self) -> Broker:
        self.broker = self.new(started=BEGIN + timedelta(hours=1))
        return self.broker


def total(fills: Any) -> Mapping[Instrument, Decimal]:
    found: dict[Instrument, Decimal] = {}
    for fill in fills:
        assert isinstance(fill, Fill)
        found[fill.instrument] = found.get(fill.instrument, D(0)) + fill.signed
    return {key: qty for key, qty in found.items() if qty}
