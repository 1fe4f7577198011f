"""Exchanges through ccxt, behind the same interface (extra `qmtl[live]`).

An order's id at the exchange is the client order id, so that nothing is placed twice: an order that may have been sent
before (by an earlier life of this process, or by a request whose answer was lost) is looked for before it is sent.
Quantities are in units of the base currency on spot and contract markets alike. Inverse contracts are refused.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import ccxt

from qmtl.brokers.account import reducible
from qmtl.brokers.errors import BrokerMisuse, BrokerUnavailable, OrderConflict, UnknownOrder
from qmtl.brokers.exchange_reading import Market, read_fill, read_report
from qmtl.brokers.models import ZERO
from qmtl.brokers.orders import (
    Fill,
    Instrument,
    Order,
    OrderReport,
    OrderStatus,
    Reject,
    TimeInForce,
    owner_of,
)

log = logging.getLogger(__name__)
REMEMBERED = ("symbol", "side", "qty", "type", "limit_price")
PAGE = 500
MOST_PAGES = 200
# In this order: the first that fits says why.
REFUSALS: tuple[tuple[type[Exception], Reject], ...] = (
    (ccxt.InsufficientFunds, Reject.NO_FUNDS),
    (ccxt.BadSymbol, Reject.UNKNOWN_SYMBOL),
    (ccxt.InvalidOrder, Reject.REFUSED),
    (ccxt.OperationRejected, Reject.REFUSED),
    (ccxt.BadRequest, Reject.REFUSED),
)
MISUSE = (ccxt.AuthenticationError, ccxt.NotSupported, ccxt.ArgumentsRequired)


def connect(settings: Mapping[str, Any]) -> Any:
    """A ccxt exchange from what `GET /worlds/{w}/broker/credentials` answers. BrokerMisuse for an unknown one."""
    name = settings["exchange"]
    if name not in ccxt.exchanges:
        close = difflib.get_close_matches(str(name).lower(), ccxt.exchanges, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise BrokerMisuse(f"ccxt knows no exchange {name!r}{hint}")
    exchange = getattr(ccxt, name)(
        {**settings["credentials"], "options": dict(settings["options"]), "enableRateLimit": True}
    )
    if settings["sandbox"]:
        with answering():
            exchange.set_sandbox_mode(True)
    return exchange


class CcxtBroker:
    """Orders of some strategies at one exchange, on the given symbols.

    owners: strategy by the tag that its client order ids begin with (`owner_tag`); what bears no such tag is somebody
        else's and never touched or reported.
    started: orders that were decided before may have been sent by an earlier life, and are looked for first.
    """

    def __init__(
        self,
        exchange: Any,
        *,
        symbols: Sequence[str],
        owners: Mapping[str, str],
        mode: str = "live",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.exchange, self._owners, self._mode = exchange, dict(owners), mode
        self._started = clock()
        self._orders: dict[str, OrderReport] = {}
        self._unsure: set[str] = set()
        self._names: dict[str, str] = {}
        with answering():
            exchange.load_markets()
            self._markets = {symbol: Market.of(exchange.market(symbol)) for symbol in symbols}

    # --- the interface of brokers ---------------------------------------------------------------------
    @property
    def mode(self) -> str:
        return self._mode

    def submit(self, order: Order) -> OrderReport:
        name = order.client_order_id
        if owner_of(name, self._owners) != order.strategy_id:
            raise BrokerMisuse(f"{name} does not bear the tag of {order.strategy_id}")
        known = self._orders.get(name)
        if known is None and (order.ts <= self._started or name in self._unsure):
            known = self._find(name, order.symbol)
        if known is not None:
            return self._again(known, order)
        refused = self._refusal(order)
        if refused is not None:
            return self._keep(rejected(order, *refused))
        return self._place(order)

    def cancel(self, client_order_id: str) -> OrderReport:
        known = self.order(client_order_id)
        if known is None:
            raise UnknownOrder(client_order_id)
        if known.is_final:
            return known
        try:
            with answering():
                self.exchange.cancel_order(known.broker_order_id, known.order.symbol)
        except ccxt.InvalidOrder:
            # Not there any more: it was filled meanwhile.
            log.info("order %s had ended before it was cancelled", client_order_id)
        return self.order(client_order_id) or known

    def order(self, client_order_id: str) -> OrderReport | None:
        known = self._orders.get(client_order_id)
        if known is None:
            found = (self._find(client_order_id, symbol) for symbol in self._markets)
            return next((report for report in found if report is not None), None)
        if known.is_final:
            return known
        symbol = known.order.symbol
        with answering():
            raw = self.exchange.fetch_order(known.broker_order_id, symbol)
        return self._keep(read_report(raw, self._markets[symbol], order=known.order))

    def open_orders(self) -> list[OrderReport]:
        found = []
        for symbol in self._markets:
            with answering():
                raws = self.exchange.fetch_open_orders(symbol)
            found += [self._read(raw, symbol) for raw in raws if self._is_ours(raw)]
        return sorted(found, key=lambda report: report.order.ts)

    def positions(self) -> dict[Instrument, Decimal]:
        held: dict[Instrument, Decimal] = {}
        contracts = [symbol for symbol, market in self._markets.items() if market.contract]
        with answering():
            rows = self.exchange.fetch_positions(contracts) if contracts else []
            totals = self.exchange.fetch_balance()["total"] if len(contracts) < len(self._markets) else {}
        for row in rows:
            qty = self._markets[row["symbol"]].position(row)
            held[Instrument(row["symbol"])] = held.get(Instrument(row["symbol"]), ZERO) + qty
        for symbol, market in self._markets.items():
            if not market.contract:
                held[Instrument(symbol)] = market.owned(totals)
        return {name: qty for name, qty in held.items() if qty}

    def fills(self, since: datetime | None = None) -> list[Fill]:
        found: dict[tuple[str, str], Fill] = {}
        for symbol, market in self._markets.items():
            for raw in self._trades(symbol, since):
                name = self._name_of(str(raw["order"]), symbol)
                owner = owner_of(name, self._owners)
                if owner is not None:
                    fee = self._fee(raw, market)
                    found[symbol, str(raw["id"])] = read_fill(
                        raw, market, name=name, strategy_id=owner, fee=fee, mode=self._mode
                    )
        wanted = (fill for fill in found.values() if since is None or fill.ts >= since)
        return sorted(wanted, key=lambda fill: (fill.ts, fill.fill_id))

    # --- placing --------------------------------------------------------------------------------------
    def _place(self, order: Order) -> OrderReport:
        market = self._markets[order.symbol]
        params: dict[str, Any] = {"clientOrderId": order.client_order_id}
        if order.reduce_only and market.contract:
            params["reduceOnly"] = True
        if order.time_in_force is TimeInForce.IOC:
            params["timeInForce"] = "IOC"
        price = None if order.limit_price is None else float(order.limit_price)
        try:
            raw = self.exchange.create_order(
                order.symbol,
                order.type.value,
                order.side.value,
                float(market.amount(order.qty)),
                price,
                params,
            )
        except ccxt.DuplicateOrderId:
            found = self._find(order.client_order_id, order.symbol)
            if found is None:
                raise OrderConflict(f"{order.client_order_id} was used before") from None
            return self._again(found, order)
        except ccxt.OperationFailed as error:
            return self._after_silence(order, error)
        except MISUSE as error:
            raise BrokerMisuse(str(error)) from error
        except ccxt.BaseError as error:
            for kind, reject in REFUSALS:
                if isinstance(error, kind):
                    return self._keep(rejected(order, reject, str(error)))
            return self._after_silence(order, error)
        report = read_report(raw, market, order=order)
        if raw.get("status") is None:
            # Some exchanges answer with the id alone.
            self._keep(report)
            return self.order(order.client_order_id) or report
        return self._keep(report)

    def _after_silence(self, order: Order, error: Exception) -> OrderReport:
        """Nobody knows whether it arrived: look, and say so where it cannot be seen (yet)."""
        self._unsure.add(order.client_order_id)
        found = self._find(order.client_order_id, order.symbol)
        if found is None:
            raise BrokerUnavailable(f"no answer to {order.client_order_id}: {error}") from error
        return self._again(found, order)

    def _again(self, known: OrderReport, order: Order) -> OrderReport:
        """What became of an order that is asked for again. An exchange does not remember all that it was told, so that
        what is found there is compared by what it does."""
        if any(getattr(known.order, name) != getattr(order, name) for name in REMEMBERED):
            raise OrderConflict(f"{order.client_order_id} is another order")
        self._keep(replace(known, order=order))
        return known if known.is_final else self.order(order.client_order_id) or known

    def _refusal(self, order: Order) -> tuple[Reject, str] | None:
        market = self._markets.get(order.symbol)
        if market is None or order.venue:
            return Reject.UNKNOWN_SYMBOL, f"{order.symbol} {order.venue} is not traded here"
        amount = market.amount(order.qty)
        if not self._is_whole(amount, order.symbol, self.exchange.amount_to_precision):
            return Reject.LOT, f"{order.qty} is no multiple of the lot"
        if order.limit_price is not None:
            if not self._is_whole(order.limit_price, order.symbol, self.exchange.price_to_precision):
                return Reject.TICK, f"{order.limit_price} is no multiple of the tick"
            if not order.reduce_only and order.qty * order.limit_price < market.min_notional:
                return Reject.MIN_NOTIONAL, f"{order.qty * order.limit_price} is below {market.min_notional}"
        if order.reduce_only:
            held = self.positions().get(order.instrument, ZERO)
            room = reducible(held, order.side.sign)
            # On a spot market nobody but us keeps a sale from going beyond what is held.
            if not room or (not market.contract and order.qty > room):
                return Reject.NOT_REDUCING, f"a position of {held} leaves {room} to reduce"
        return None

    @staticmethod
    def _is_whole(number: Decimal, symbol: str, precise: Callable[[str, float], str]) -> bool:
        try:
            return Decimal(precise(symbol, float(number))) == number
        except ccxt.InvalidOrder:
            return False

    # --- reading --------------------------------------------------------------------------------------
    def _find(self, client_order_id: str, symbol: str) -> OrderReport | None:
        """An order of the exchange by the id that we gave it."""
        if symbol not in self._markets:
            return None
        since = None
        has = self.exchange.has
        with answering():
            if has.get("fetchOrderWithClientOrderId"):
                try:
                    raw = self.exchange.fetch_order_with_client_order_id(client_order_id, symbol)
                except ccxt.OrderNotFound:
                    return None
                return self._read(raw, symbol)
            raws = self.exchange.fetch_open_orders(symbol)
            for call in ("fetchClosedOrders", "fetchCanceledOrders", "fetchOrders"):
                if has.get(call) and not any(raw.get("clientOrderId") == client_order_id for raw in raws):
                    raws = [*raws, *getattr(self.exchange, call)(symbol, since, PAGE)]
        for raw in raws:
            if raw.get("clientOrderId") == client_order_id:
                return self._read(raw, symbol)
        return None

    def _read(self, raw: Mapping[str, Any], symbol: str) -> OrderReport:
        name = str(raw["clientOrderId"])
        known = self._orders.get(name)
        order = None if known is None else known.order
        owner = owner_of(name, self._owners) or ""
        return self._keep(read_report(raw, self._markets[symbol], order=order, strategy_id=owner))

    def _keep(self, report: OrderReport) -> OrderReport:
        name = report.order.client_order_id
        self._orders[name] = report
        self._unsure.discard(name)
        if report.broker_order_id:
            self._names[report.broker_order_id] = name
        return report

    def _is_ours(self, raw: Mapping[str, Any]) -> bool:
        return owner_of(str(raw.get("clientOrderId") or ""), self._owners) is not None

    def _name_of(self, broker_order_id: str, symbol: str) -> str:
        """The client order id of an order of the exchange: asked once."""
        if broker_order_id not in self._names:
            try:
                with answering():
                    raw = self.exchange.fetch_order(broker_order_id, symbol)
            except ccxt.OrderNotFound:
                raw = {}
            self._names[broker_order_id] = str(raw.get("clientOrderId") or "")
        return self._names[broker_order_id]

    def _trades(self, symbol: str, since: datetime | None) -> Iterator[Mapping[str, Any]]:
        start = None if since is None else int(since.timestamp() * 1000)
        seen: set[str] = set()
        for _ in range(MOST_PAGES):
            with answering():
                page = self.exchange.fetch_my_trades(symbol, start, PAGE)
            fresh = [raw for raw in page if str(raw["id"]) not in seen]
            yield from fresh
            seen |= {str(raw["id"]) for raw in fresh}
            if not fresh or len(page) < PAGE:
                return
            start = max(raw["timestamp"] for raw in fresh)
        raise BrokerUnavailable(f"more than {MOST_PAGES * PAGE} trades of {symbol}: ask for later ones")

    def _fee(self, raw: Mapping[str, Any], market: Market) -> Decimal:
        """In the quote currency; one in a third currency is worth what it costs there now."""
        cost, currency = market.fee(raw)
        if currency in {None, market.quote} or not cost:
            return cost
        if currency == market.base:
            return cost * Decimal(str(raw["price"]))
        try:
            with answering():
                price = self.exchange.fetch_ticker(f"{currency}/{market.quote}")["last"]
            return cost * Decimal(str(price))
        except (ccxt.BaseError, ArithmeticError):
            log.warning("the fee of %s in %s has no price in %s", raw["id"], currency, market.quote)
            return ZERO


def rejected(order: Order, reject: Reject, reason: str) -> OrderReport:
    return OrderReport(order=order, status=OrderStatus.REJECTED, reject=reject, reason=reason)


@contextmanager
def answering() -> Iterator[None]:
    """What ccxt raises, as brokers say it; refusals of single orders pass."""
    try:
        yield
    except ccxt.OperationFailed as error:
        raise BrokerUnavailable(str(error)) from error
    except MISUSE as error:
        raise BrokerMisuse(str(error)) from error
