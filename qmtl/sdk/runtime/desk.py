"""One account in one mode: it turns weights into orders, keeps what is filled, and says what was earned.

The ledger is the strategy's own: where several strategies share an exchange account, each knows what is its.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any

import numpy as np

from qmtl.brokers import Bar as Quote
from qmtl.brokers import (
    Broker,
    BrokerUnavailable,
    Fill,
    GatedBroker,
    Instrument,
    Order,
    OrderReport,
    OrderStatus,
    PaperBroker,
    Side,
    client_order_id,
)
from qmtl.brokers.account import Account
from qmtl.sdk.frame import Bar, Floats
from qmtl.sdk.intervals import iso, moment

LOT = Decimal("0.00000001")
SMALLEST = 1e-3
"""Of the equity: smaller corrections of a position are left."""
RoundQty = Callable[[str, Decimal], Decimal]


def whole_lots(symbol: str, qty: Decimal) -> Decimal:
    return qty.quantize(LOT, rounding=ROUND_DOWN)


@dataclass
class Tally:
    """What became of the orders of a desk."""

    orders: int = 0
    fills: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    withdrawn: dict[str, int] = field(default_factory=dict)

    def count(self, report: OrderReport) -> None:
        self.orders += 1
        if report.status is OrderStatus.REJECTED:
            name = report.reject.value if report.reject else "rejected"
            self.rejected[name] = self.rejected.get(name, 0) + 1

    def count_withdrawn(self, report: OrderReport, why: str) -> None:
        if report.status is OrderStatus.CANCELLED:
            self.withdrawn[why] = self.withdrawn.get(why, 0) + 1


class Desk:
    """`mode` is that of its orders (paper, live). `gated` orders pass the gate; on paper nobody is asked."""

    def __init__(
        self,
        *,
        world_id: str,
        strategy_id: str,
        symbols: tuple[str, ...],
        broker: Broker,
        capital: Decimal,
        gate: Any = None,
        round_qty: RoundQty = whole_lots,
    ) -> None:
        self.world_id, self.strategy_id, self.symbols = world_id, strategy_id, symbols
        self.broker, self.mode = broker, broker.mode
        self.instruments = [Instrument(symbol) for symbol in symbols]
        self.gated = GatedBroker(broker, gate, position_of=self._own_position) if gate is not None else None
        self.account = Account(capital)
        self.round_qty = round_qty
        self.tally = Tally()
        self.seen: set[str] = set()
        self.since: datetime | None = None
        self.equity: Decimal | None = None
        self.is_funded = True
        self.trades = 0
        self.marks: dict[Instrument, Decimal] = {}

    def _own_position(self, strategy_id: str, instrument: Instrument) -> Decimal:
        return self.account.position(instrument)

    # --- prices and fills --------------------------------------------------------------------------------------
    def see(self, bar: Bar, *, is_missed: bool = False) -> list[Fill]:
        """Take the prices of a closed bar; the fills that are new. An exchange is asked for them at the newest bar."""
        before, self.marks = (
            self.marks,
            dict(zip(self.instruments, decimals(bar.values["close"]), strict=True)),
        )
        if isinstance(self.broker, PaperBroker):
            found: list[Fill] = []
            for quote in self._quotes(bar, before or self.marks):
                found += self.broker.see(quote)
        else:
            found = [] if is_missed else list(self.broker.fills(self.since))
        return self._book(found)

    def _book(self, found: list[Fill]) -> list[Fill]:
        fresh = [
            fill for fill in found if fill.fill_id not in self.seen and fill.strategy_id == self.strategy_id
        ]
        for fill in fresh:
            self.seen.add(fill.fill_id)
            self.account.book(fill)
            self.since = fill.ts if self.since is None else max(self.since, fill.ts)
        self.trades += len(fresh)
        self.tally.fills += len(fresh)
        return fresh

    def book_handed(self, fill: Fill, *, elsewhere: bool) -> None:
        """Take the strategy's part in an order that a rebalancing made; once. `elsewhere`: somebody else traded it, so
        that a simulated account does not have it yet."""
        if fill.fill_id in self.seen:
            return
        self.seen.add(fill.fill_id)
        self.account.book(fill)
        if elsewhere and isinstance(self.broker, PaperBroker):
            self.broker.account.book(fill)
        self.trades += 1
        self.tally.fills += 1

    def resize(self, scale: Decimal) -> None:
        """Capital is given or taken, so that the account is worth so many times what it was: no return of the strategy.

        With nothing left it wants to hold nothing, until a later rebalancing gives it something.
        """
        self.is_funded = scale > 0
        if self.is_funded:
            worth = self.worth
            change = worth * (scale - 1)
            self.account.cash += change
            if self.equity is not None:
                self.equity += change

    @property
    def worth(self) -> Decimal:
        """At the newest prices, as far as they are known."""
        if self.equity is not None:
            return self.equity
        known = {name: self.marks.get(name, Decimal(0)) for name in self.account.held}
        return self.account.equity(known)

    def _quotes(self, bar: Bar, before: Mapping[Instrument, Decimal]) -> Iterator[Quote]:
        """As the paper broker takes them. Data without opens: the last close stands for the next open, so that what is
        decided at a close is traded at it, as in a backtest."""
        ts, closes = moment(bar.time), list(self.marks.values())
        opens = decimals(bar.values["open"]) if "open" in bar.values else list(before.values())
        highs = decimals(bar.values["high"]) if "high" in bar.values else closes
        lows = decimals(bar.values["low"]) if "low" in bar.values else closes
        volumes = bar.values.get("volume")
        for place, symbol in enumerate(self.symbols):
            first, last = opens[place], closes[place]
            yield Quote(
                ts=ts,
                symbol=symbol,
                open=first,
                high=max(highs[place], first, last),
                low=min(lows[place], first, last),
                close=last,
                volume=None if volumes is None or np.isnan(volumes[place]) else exact(volumes[place]),
            )

    # --- what was earned ----------------------------------------------------------------------------------------
    def mark(self, bar: Bar) -> dict[str, Any] | None:
        """The performance record of the period that ends with this bar; None for the first, and where all is lost."""
        before, self.equity = self.equity, self.account.equity(self.marks)
        trades, self.trades = self.trades, 0
        if before is None or before <= 0:
            return None
        equity = max(self.equity, Decimal(0))
        return {"ts": iso(bar.time), "return": float(equity / before) - 1.0, "trades": trades}

    def rest(self) -> None:
        """It is not at work: the period that is told next begins when it is again."""
        self.equity, self.trades = None, 0

    @property
    def is_in_use(self) -> bool:
        """Whether it holds something, or did until the period that ends now."""
        return not self.is_flat or self.trades > 0

    # --- orders -------------------------------------------------------------------------------------------------
    def trade(
        self, bar: Bar, targets: Floats, *, share: float = 1.0, purpose: str = "target"
    ) -> list[OrderReport]:
        """Order what is missing to these weights, of `share` of the equity. Reductions first."""
        equity = float(self.equity if self.equity is not None else self.account.cash)
        if np.isnan(targets).any() or equity <= 0:
            return []
        self.withdraw()
        share *= self.is_funded
        wanted: list[tuple[bool, int, Decimal]] = []
        close = bar.values["close"]
        for place, (name, weight) in enumerate(zip(self.instruments, targets.tolist(), strict=True)):
            held = self.account.position(name)
            price = float(close[place])
            goal = weight * share * equity / price
            missing = goal - float(held)
            is_exit = goal == 0.0 and held != 0
            if not is_exit and abs(missing) * price < SMALLEST * equity:
                continue
            qty = (
                -held
                if is_exit
                else self.round_qty(name.symbol, exact(abs(missing))) * (1 if missing > 0 else -1)
            )
            if qty:
                grows = abs(float(held) + float(qty)) > abs(float(held))
                wanted.append((grows, place, qty))
        return [self._order(bar, self.symbols[place], qty, purpose) for _, place, qty in sorted(wanted)]

    def flatten(self, bar: Bar) -> list[OrderReport]:
        """Order every position back to nothing: reductions, which pass a closed gate."""
        self.withdraw()
        held = dict(self.account.held)
        return [self._order(bar, name.symbol, -qty, "flatten") for name, qty in sorted(held.items())]

    def _order(self, bar: Bar, symbol: str, qty: Decimal, purpose: str) -> OrderReport:
        order = Order(
            client_order_id=client_order_id(
                self.world_id, self.strategy_id, self.mode, symbol, bar.time, purpose
            ),
            strategy_id=self.strategy_id,
            symbol=symbol,
            side=Side.BUY if qty > 0 else Side.SELL,
            qty=abs(qty),
            ts=moment(bar.time),
            reduce_only=purpose == "flatten",
        )
        report = (self.gated or self.broker).submit(order)
        self.tally.count(report)
        return report

    def withdraw(self, why: str = "replaced") -> None:
        """Take back what still waits: the next word replaces it."""
        for each in self.broker.open_orders():
            if each.order.strategy_id == self.strategy_id:
                self._take_back(each, why)

    def withdraw_openings(self) -> None:
        """Take back what could still open something while the gate is closed."""
        if self.gated is None or self.gated.is_open(self.strategy_id):
            return
        with suppress(BrokerUnavailable):  # asked again with the next change
            for each in self.broker.open_orders():
                if each.order.strategy_id == self.strategy_id and not each.order.reduce_only:
                    self._take_back(each, "gate_closed")

    def _take_back(self, waiting: OrderReport, why: str) -> None:
        self.tally.count_withdrawn(self.broker.cancel(waiting.order.client_order_id), why)

    @property
    def is_flat(self) -> bool:
        return not self.account.held

    # --- saved and restored -------------------------------------------------------------------------------------
    def state(self) -> dict[str, Any]:
        return {
            "cash": str(self.account.cash),
            "held": {name.symbol: str(qty) for name, qty in self.account.held.items()},
            "seen": sorted(self.seen)[-10_000:],
            "since": self.since.isoformat() if self.since else None,
            "equity": None if self.equity is None else str(self.equity),
            "is_funded": self.is_funded,
            "broker": self.broker.state() if isinstance(self.broker, PaperBroker) else None,
        }

    def load(self, state: Mapping[str, Any]) -> None:
        self.account = Account(
            Decimal(state["cash"]), {Instrument(name): Decimal(qty) for name, qty in state["held"].items()}
        )
        self.seen = set(state["seen"])
        self.since = datetime.fromisoformat(state["since"]) if state["since"] else None
        self.equity = None if state["equity"] is None else Decimal(state["equity"])
        self.is_funded = bool(state.get("is_funded", True))
        if state["broker"] is not None and isinstance(self.broker, PaperBroker):
            self.broker.load(state["broker"])


def decimals(numbers: Floats) -> list[Decimal]:
    return [Decimal(repr(number)) for number in numbers.tolist()]


def exact(number: float) -> Decimal:
    return Decimal(repr(float(number)))
