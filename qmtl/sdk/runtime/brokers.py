"""The broker that a mode calls for, as the world's settings say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_DOWN, Decimal
from importlib import import_module
from typing import Any

from qmtl.brokers import (
    Broker,
    BrokerError,
    FixedSlippage,
    Instrument,
    NotionalFees,
    PaperBroker,
    Terms,
    reconcile,
)
from qmtl.brokers.orders import owner_tag
from qmtl.client import Client
from qmtl.sdk.errors import StrategyError
from qmtl.sdk.runtime.desk import Desk, whole_lots
from qmtl.sdk.runtime.gatekeeper import GateKeeper
from qmtl.sdk.runtime.handed import OWNER, STEP

SIMULATED = Terms(lot=STEP)
"""A plan without lots has the finest quantities that are kept; a simulated account takes them."""


def paper_broker(settings: Mapping[str, Any], *, cash: Decimal, mode: str = "paper") -> PaperBroker:
    """On the world's terms: fees, slippage, the part of a bar's volume that is filled."""
    terms = settings.get("paper") or {}
    maker, part = terms.get("maker_bps"), terms.get("participation")
    return PaperBroker(
        cash=cash,
        mode=mode,
        fees=NotionalFees(
            taker_bps=Decimal(str(terms.get("taker_bps", 0))),
            maker_bps=None if maker is None else Decimal(str(maker)),
        ),
        slippage=FixedSlippage(Decimal(str(terms.get("slippage_bps", 0)))),
        participation=None if part is None else Decimal(str(part)),
        default_terms=SIMULATED if mode == "live" else Terms(),
    )


def live_broker(
    client: Client, settings: Mapping[str, Any], keeper: GateKeeper, *, strategy_id: str, symbols: tuple[str, ...],
    cash: Decimal,
) -> Broker:  # fmt: skip
    """Where live orders go: the exchange of the settings, or a simulation where the world trades on paper. Credentials
    are asked for as the holder of the lease, and kept in memory alone."""
    if settings.get("kind", "paper") == "paper":
        return paper_broker(settings, cash=cash, mode="live")
    try:
        module = import_module("qmtl.brokers.exchange")
    except ImportError:
        raise StrategyError('an exchange needs ccxt: pip install "qmtl[live]"') from None
    told = client.broker_credentials(
        keeper.world_id, client_id=keeper.client_id, lease_secret=keeper.lease_secret
    )
    owners = {owner_tag(keeper.world_id, strategy_id): strategy_id}
    broker: Broker = module.CcxtBroker(module.connect(told), symbols=list(symbols), owners=owners)
    return broker


class HandedBrokers:
    """Where handed orders go: a simulation trades them itself; at an exchange they have a client of their own, with an
    owner and symbols of their own."""

    def __init__(self, client: Client, settings: Mapping[str, Any], keeper: GateKeeper) -> None:
        self.client, self.settings, self.keeper = client, settings, keeper
        self._symbols: frozenset[str] = frozenset()
        self._broker: Broker | None = None

    def __call__(self, desk: Desk, symbols: Iterable[str]) -> Broker:
        if isinstance(desk.broker, PaperBroker):
            return desk.broker
        if self._broker is None or not self._symbols.issuperset(symbols):
            wanted = self._symbols.union(symbols)
            self._broker = self._connected(wanted)
            self._symbols = wanted
        return self._broker

    def _connected(self, symbols: Iterable[str]) -> Broker:
        module = import_module("qmtl.brokers.exchange")
        told = self.client.broker_credentials(
            self.keeper.world_id, client_id=self.keeper.client_id, lease_secret=self.keeper.lease_secret
        )
        exchange = module.connect(told)
        with module.answering():
            exchange.load_markets()
        # Of others it says itself that they are not traded there.
        known = sorted(set(symbols).intersection(exchange.markets))
        owners = {owner_tag(self.keeper.world_id, OWNER): OWNER}
        broker: Broker = module.CcxtBroker(exchange, symbols=known, owners=owners)
        return broker


def exchange_of(broker: Any) -> str:
    return str(getattr(getattr(broker, "exchange", None), "id", ""))


def price_of(desk: Desk, broker: Any, symbol: str) -> Decimal | None:
    """The newest close, else what the exchange says."""
    known = desk.marks.get(Instrument(symbol))
    exchange = getattr(broker, "exchange", None)
    if known is not None or exchange is None:
        return known
    try:
        last = exchange.fetch_ticker(symbol)["last"]
    except Exception:  # ccxt's; asked again with the next step
        return None
    return None if last is None else Decimal(str(last))


def lots_of(broker: Broker) -> Any:
    """How quantities are rounded at a broker."""
    exchange = getattr(broker, "exchange", None)
    if exchange is None:
        return whole_lots

    def rounded(symbol: str, qty: Decimal) -> Decimal:
        try:
            return Decimal(exchange.amount_to_precision(symbol, float(qty)))
        except Exception:  # less than one lot is an InvalidOrder of ccxt
            return Decimal(0).quantize(Decimal(1), rounding=ROUND_DOWN)

    return rounded


def differences(desk: Desk) -> str:
    """What keeps a desk with a real broker from trading on: "" where its memory and the broker agree."""
    if isinstance(desk.broker, PaperBroker):
        return ""
    try:
        found = reconcile(
            desk.broker,
            positions=desk.account.held,
            fills_seen=desk.seen,
            orders=(),
            since=desk.since,
        )
    except BrokerError as error:
        return f"the broker cannot be asked for positions: {error}"
    desk._book(list(found.missed_fills))
    if found.agrees:
        return ""
    wrong = "; ".join(
        f"{d.instrument.symbol}: {d.actual} held, {d.expected} known" for d in found.differences
    )
    return f"positions do not agree ({wrong or 'orders nobody remembers'}); settle them, then start again"
