"""A broker on paper: deterministic, fed with prices, its whole state can be saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any, Literal

from qmtl.brokers.account import EXACT, Account, reducible
from qmtl.brokers.errors import BrokerMisuse, OrderConflict, UnknownOrder
from qmtl.brokers.execution import Working, crossed
from qmtl.brokers.models import ZERO, Bar, Fees, NoFees, NoSlippage, Slippage, Terms, steps
from qmtl.brokers.orders import (
    Fill,
    Instrument,
    Order,
    OrderReport,
    OrderType,
    Reject,
    TimeInForce,
    plain,
)
from qmtl.brokers.paper_state import Saved, read_state, state_document

FillAt = Literal["next_bar", "mark"]


class PaperBroker:
    """Fills orders against the prices that `see` is given; the same calls give the same fills.

    fill_at: `next_bar` fills an order in the bars that begin after it was decided, at the open or where its limit is
        touched; there is no look-ahead. `mark` fills at once at the newest price: what the service does with a
        rebalancing.
    participation: the largest part of a bar's volume that all orders together take; the rest waits for the next one.
    max_leverage: gross value over equity after an opening fill; None: money is not asked for.
    terms: of each instrument; `default_terms` for those not named, None refuses them.
    """

    def __init__(
        self,
        *,
        cash: Decimal = ZERO,
        positions: Mapping[Instrument, Decimal] | None = None,
        fill_at: FillAt = "next_bar",
        fees: Fees | None = None,
        slippage: Slippage | None = None,
        participation: Decimal | None = None,
        max_leverage: Decimal | None = None,
        terms: Mapping[Instrument, Terms] | None = None,
        default_terms: Terms | None = Terms(),
        mode: str = "paper",
    ) -> None:
        if participation is not None and not 0 < participation <= 1:
            raise ValueError("participation is above 0 and at most 1")
        if max_leverage is not None and not max_leverage > 0:
            raise ValueError("leverage is positive")
        self.account = Account(cash, {key: qty for key, qty in (positions or {}).items() if qty})
        self.fill_at, self._mode = fill_at, mode
        self.fees, self.slippage = fees or NoFees(), slippage or NoSlippage()
        self.participation, self.max_leverage = participation, max_leverage
        self._terms, self._default_terms = dict(terms or {}), default_terms
        self._bars: dict[Instrument, Bar] = {}
        # What may still be taken of the newest bar's volume, where that is limited.
        self._left: dict[Instrument, Decimal] = {}
        self._orders: dict[str, Working] = {}
        self._open: dict[Instrument, dict[str, Working]] = {}
        self._fills: list[Fill] = []
        self._clock: datetime | None = None

    # --- the interface of brokers ---------------------------------------------------------------------
    @property
    def mode(self) -> str:
        return self._mode

    def submit(self, order: Order) -> OrderReport:
        known = self._orders.get(order.client_order_id)
        if known is not None:
            if not known.order.is_same(order):
                raise OrderConflict(f"{order.client_order_id} is another order")
            return known.report()
        working = Working(order, place=len(self._orders))
        self._orders[order.client_order_id] = working
        with localcontext(EXACT):
            refused = self._refusal(order)
            if refused is not None:
                working.end(*refused)
                return working.report()
            self._open.setdefault(order.instrument, {})[order.client_order_id] = working
            if self.fill_at == "mark":
                self._fill_at_mark(working)
        return working.report()

    def cancel(self, client_order_id: str) -> OrderReport:
        working = self._orders.get(client_order_id)
        if working is None:
            raise UnknownOrder(client_order_id)
        self._end(working, Reject.REQUESTED)
        return working.report()

    def order(self, client_order_id: str) -> OrderReport | None:
        working = self._orders.get(client_order_id)
        return None if working is None else working.report()

    def open_orders(self) -> list[OrderReport]:
        waiting = [working for rows in self._open.values() for working in rows.values()]
        return [working.report() for working in sorted(waiting, key=lambda working: working.place)]

    def positions(self) -> dict[Instrument, Decimal]:
        return dict(self.account.held)

    def fills(self, since: datetime | None = None) -> list[Fill]:
        if since is None:
            return list(self._fills)
        first = len(self._fills)
        while first and self._fills[first - 1].ts >= since:
            first -= 1
        return self._fills[first:]

    # --- prices ---------------------------------------------------------------------------------------
    def see(self, bar: Bar) -> list[Fill]:
        """The next price of an instrument, and what it filled. BrokerMisuse for one older than the last.

        The same bar again is nothing new.
        """
        name = Instrument(bar.symbol, bar.venue)
        before = self._bars.get(name)
        if before is not None and bar.ts < before.ts:
            raise BrokerMisuse(f"a price of {bar.symbol} from {bar.ts} after one from {before.ts}")
        if bar == before:
            return []
        self._bars[name] = bar
        self._clock = bar.ts if self._clock is None else max(self._clock, bar.ts)
        self._left.pop(name, None)
        if bar.volume is not None and self.participation is not None:
            with localcontext(EXACT):
                self._left[name] = bar.volume * self.participation
        filled = len(self._fills)
        waiting = self._open.get(name)
        if waiting:
            with localcontext(EXACT):
                self._fill_in_bar(bar, before, list(waiting.values()))
        return self._fills[filled:]

    @property
    def marks(self) -> dict[Instrument, Decimal]:
        """The newest price of each instrument."""
        return {name: bar.close for name, bar in self._bars.items()}

    @property
    def cash(self) -> Decimal:
        return self.account.cash

    @property
    def equity(self) -> Decimal:
        """Cash and positions at the newest prices; KeyError for a position without a price."""
        return self.account.equity(self.marks)

    # --- saved and restored ---------------------------------------------------------------------------
    def state(self) -> dict[str, Any]:
        """All that it knows, as JSON can hold it: money, orders, fills, prices. Not its models: those are given."""
        return state_document(
            Saved(self.account, self._clock, self._bars, self._left, list(self._orders.values()), self._fills)
        )

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state, in place of the own one. ValueError for what is no state."""
        saved = read_state(state)
        self.account, self._clock, self._bars, self._left = saved.account, saved.clock, saved.bars, saved.left
        self._fills = saved.fills
        self._orders = {working.order.client_order_id: working for working in saved.orders}
        self._open = {}
        for name, working in self._orders.items():
            if not working.is_final:
                self._open.setdefault(working.order.instrument, {})[name] = working

    # --- execution ------------------------------------------------------------------------------------
    def _terms_of(self, instrument: Instrument) -> Terms | None:
        return self._terms.get(instrument, self._default_terms)

    def _refusal(self, order: Order) -> tuple[Reject, str] | None:
        """Why the order is not even accepted."""
        terms, bar = self._terms_of(order.instrument), self._bars.get(order.instrument)
        position = self.account.position(order.instrument)
        if terms is None:
            return Reject.UNKNOWN_SYMBOL, f"{order.symbol} is not traded here"
        if terms.whole_lots(order.qty) != order.qty:
            return Reject.LOT, f"{plain(order.qty)} is no multiple of {plain(terms.lot)}"
        if (
            order.limit_price is not None
            and steps(order.limit_price, terms.tick, up=True) != order.limit_price
        ):
            return Reject.TICK, f"{plain(order.limit_price)} is no multiple of {plain(terms.tick)}"
        if order.reduce_only and not reducible(position, order.side.sign):
            return Reject.NOT_REDUCING, f"a position of {plain(position)} leaves nothing to reduce"
        if bar is None and self.fill_at == "mark":
            return Reject.NO_PRICE, f"there is no price of {order.symbol}"
        if not terms.shortable and order.signed < 0 and position + order.signed < 0:
            return Reject.SHORT, f"a position of {plain(position)} does not cover it"
        price = order.limit_price if bar is None else order.limit_price or bar.close
        if price is not None and not order.reduce_only and order.qty * price < terms.min_notional:
            return Reject.MIN_NOTIONAL, f"{plain(order.qty * price)} is below {plain(terms.min_notional)}"
        return None

    def _fill_at_mark(self, working: Working) -> None:
        bar = self._bars[working.order.instrument]
        if working.order.type is OrderType.MARKET or crossed(working.order, bar.close):
            self._fill(working, bar, bar.close, maker=False)
        if working.order.time_in_force is TimeInForce.IOC:
            self._end(working, Reject.NOT_FILLED)

    def _fill_in_bar(self, bar: Bar, before: Bar | None, waiting: Sequence[Working]) -> None:
        for working in waiting:
            order = working.order
            if order.ts >= bar.ts and self.fill_at == "next_bar":
                continue
            # The path within the bar before the order was decided is not known: then only its end counts.
            whole = before is not None and order.ts <= before.ts
            found = working.price_in(bar, whole=whole)
            if found is not None:
                price, maker = found
                self._fill(working, bar, price, maker=maker)
            if order.time_in_force is TimeInForce.IOC:
                self._end(working, Reject.NOT_FILLED)

    def _fill(self, working: Working, bar: Bar, reference: Decimal, *, maker: bool) -> None:
        """Fill as much as there is."""
        order, position = working.order, self.account.position(working.order.instrument)
        terms = self._terms_of(order.instrument) or Terms()
        left = self._left.get(order.instrument)
        qty = working.remaining if left is None else min(working.remaining, left)
        room = reducible(position, order.side.sign)
        if order.reduce_only:
            if not room:
                self._end(working, Reject.NOT_REDUCING)
                return
            qty = min(qty, room)
        if not terms.shortable and order.signed < 0:
            qty = min(qty, max(position, ZERO))
            if not qty:
                self._end(working, Reject.SHORT)
        qty = terms.whole_lots(qty)
        if not qty:
            return
        price = reference
        if not maker:
            slipped = self.slippage.price(order.side, reference, qty, bar.volume)
            price = working.within_limit(max(steps(slipped, terms.tick, up=order.side.sign > 0), terms.tick))
        fill = self._fill_of(working, qty, price, self.fees.fee(qty, price, maker=maker))
        opens = qty > room
        if (
            opens
            and self.max_leverage is not None
            and not self.account.affords(fill, self.marks, max_leverage=self.max_leverage)
        ):
            self._end(working, Reject.NO_FUNDS)
            return
        self.account.book(fill)
        self._fills.append(fill)
        working.take(fill)
        if left is not None:
            self._left[order.instrument] = left - qty
        if working.is_final:
            self._drop(working)
        elif order.reduce_only and not self.account.position(order.instrument):
            self._end(working, Reject.NOT_REDUCING)

    def _fill_of(self, working: Working, qty: Decimal, price: Decimal, fee: Decimal) -> Fill:
        order = working.order
        ts = order.ts if self._clock is None else max(order.ts, self._clock)
        self._clock = ts
        return Fill(
            fill_id=f"{order.client_order_id}.{working.count + 1}",
            order_id=order.client_order_id,
            strategy_id=order.strategy_id,
            ts=ts,
            symbol=order.symbol,
            venue=order.venue,
            side=order.side,
            qty=qty,
            price=price,
            fee=fee,
            mode=self._mode,
        )

    def _end(self, working: Working, reject: Reject) -> None:
        working.end(reject)
        self._drop(working)

    def _drop(self, working: Working) -> None:
        self._open.get(working.order.instrument, {}).pop(working.order.client_order_id, None)
