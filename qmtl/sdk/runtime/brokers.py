"""The broker that a mode calls for, as the world's settings say."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from importlib import import_module
from typing import Any

from qmtl.brokers import Broker, BrokerError, FixedSlippage, NotionalFees, PaperBroker, reconcile
from qmtl.brokers.orders import owner_tag
from qmtl.client import Client
from qmtl.sdk.errors import StrategyError
from qmtl.sdk.runtime.desk import Desk, whole_lots
from qmtl.sdk.runtime.gatekeeper import GateKeeper


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
