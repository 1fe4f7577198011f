"""An exchange that speaks ccxt's unified API, with ccxt's own precision, structures and errors; one account, in memory.

It fills against a price that the test sets, keeps client order ids unique, cuts a list where ccxt would, and can lose a
request or its answer.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import ccxt

SPOT, SWAP = "BTC/USDT", "ETH/USDT:USDT"
LISTED = 50
"""Orders that a list shows at most."""


def market(symbol: str, *, swap: bool) -> dict[str, Any]:
    base = symbol.partition("/")[0]
    return {
        "id": symbol.replace("/", "").replace(":", ""),
        "symbol": symbol,
        "base": base,
        "quote": "USDT",
        "baseId": base,
        "quoteId": "USDT",
        "settle": "USDT" if swap else None,
        "type": "swap" if swap else "spot",
        "spot": not swap,
        "swap": swap,
        "contract": swap,
        "linear": True if swap else None,
        "inverse": False if swap else None,
        "contractSize": 0.1 if swap else None,
        "active": True,
        "precision": {"amount": 1.0 if swap else 0.001, "price": 0.5},
        "limits": {"cost": {"min": 5.0}, "amount": {"min": None, "max": None}},
    }


class SimulatedExchange(ccxt.Exchange):
    def __init__(self, config: Any = None) -> None:
        super().__init__(config or {})
        self.precisionMode = ccxt.TICK_SIZE
        self.has |= {
            "fetchOrder": True,
            "fetchOpenOrders": True,
            "fetchClosedOrders": True,
            "fetchMyTrades": True,
            "fetchPositions": True,
            "fetchOrders": False,
            "fetchCanceledOrders": False,
        }
        self.books: dict[str, dict[str, Any]] = {}
        self.trades_done: list[dict[str, Any]] = []
        self.owned = {"USDT": Decimal(100_000), "BTC": Decimal(0)}
        self.contracts: dict[str, Decimal] = {}
        self.prices = {SPOT: Decimal(100), SWAP: Decimal(50)}
        self.now = 1_700_000_000_000
        self.before: Callable[[str], None] = lambda call: None
        self.after: Callable[[str], None] = lambda call: None
        self.most = Decimal("Infinity")
        self.calls: list[str] = []

    # --- markets --------------------------------------------------------------------------------------
    def fetch_markets(self, params: Any = None) -> list[dict[str, Any]]:
        return [market(SPOT, swap=False), market(SWAP, swap=True)]

    def ask(self, call: str) -> None:
        self.calls.append(call)
        self.before(call)

    # --- orders ---------------------------------------------------------------------------------------
    def create_order(
        self, symbol: str, type: str, side: str, amount: float, price: float | None = None, params: Any = None
    ) -> dict[str, Any]:
        self.ask("create_order")
        params = params or {}
        name = params.get("clientOrderId") or f"somebody-{len(self.books)}"
        if any(each["clientOrderId"] == name for each in self.books.values()):
            raise ccxt.DuplicateOrderId(f"duplicate {name}")
        row = {
            "id": str(1000 + len(self.books)),
            "clientOrderId": name,
            "symbol": symbol,
            "type": type,
            "side": side,
            "price": None if price is None else Decimal(self.price_to_precision(symbol, price)),
            "amount": Decimal(self.amount_to_precision(symbol, amount)),
            "filled": Decimal(0),
            "cost": Decimal(0),
            "fee": Decimal(0),
            "status": "open",
            "reduceOnly": params.get("reduceOnly", False),
            "timeInForce": params.get("timeInForce"),
            "timestamp": self.now,
        }
        cost = row["amount"] * self.size(symbol) * (row["price"] or self.prices[symbol])
        if side == "buy" and cost > self.owned["USDT"]:
            raise ccxt.InsufficientFunds("not enough USDT")
        if side == "sell" and symbol == SPOT and row["amount"] > self.owned["BTC"]:
            raise ccxt.InsufficientFunds("not enough BTC")
        self.books[row["id"]] = row
        self.match(row)
        if row["timeInForce"] == "IOC" and row["status"] == "open":
            row["status"] = "canceled"
        self.after("create_order")
        return {"id": row["id"], "status": None, "info": {}}

    def cancel_order(self, id: str, symbol: str | None = None, params: Any = None) -> dict[str, Any]:
        self.ask("cancel_order")
        row = self.books.get(id)
        if row is None or row["status"] != "open":
            raise ccxt.OrderNotFound(id)
        row["status"] = "canceled"
        self.after("cancel_order")
        return self.structure(row)

    def fetch_order(self, id: str, symbol: str | None = None, params: Any = None) -> dict[str, Any]:
        self.ask("fetch_order")
        if id not in self.books:
            raise ccxt.OrderNotFound(id)
        return self.structure(self.books[id])

    def fetch_open_orders(
        self, symbol: str | None = None, since: Any = None, limit: Any = None, params: Any = None
    ) -> list[dict[str, Any]]:
        return self.found(symbol, "open")

    def fetch_closed_orders(
        self, symbol: str | None = None, since: Any = None, limit: Any = None, params: Any = None
    ) -> list[dict[str, Any]]:
        return self.found(symbol, "closed", "canceled")[-LISTED:]

    def found(self, symbol: str | None, *states: str) -> list[dict[str, Any]]:
        self.ask("list_orders")
        rows = [row for row in self.books.values() if row["symbol"] == symbol and row["status"] in states]
        return [self.structure(row) for row in rows]

    def structure(self, row: dict[str, Any]) -> dict[str, Any]:
        """As ccxt's own `safe_order` makes it of what an exchange says in text."""
        texts = {
            name: None if row[name] is None else str(row[name])
            for name in ("price", "amount", "filled", "cost")
        }
        fee = {"cost": str(row["fee"]), "currency": "USDT"}
        order: dict[str, Any] = self.safe_order(
            {**row, **texts, "fee": fee, "info": {}}, self.market(row["symbol"])
        )
        return order

    # --- account --------------------------------------------------------------------------------------
    def fetch_my_trades(
        self, symbol: str | None = None, since: Any = None, limit: Any = None, params: Any = None
    ) -> list[dict[str, Any]]:
        self.ask("fetch_my_trades")
        rows = [t for t in self.trades_done if t["symbol"] == symbol and t["timestamp"] >= (since or 0)]
        return [self.safe_trade(dict(row), self.market(symbol)) for row in rows[:limit]]

    def fetch_positions(self, symbols: Any = None, params: Any = None) -> list[dict[str, Any]]:
        self.ask("fetch_positions")
        return [
            {"symbol": symbol, "contracts": float(abs(qty)), "side": "long" if qty > 0 else "short"}
            for symbol, qty in self.contracts.items()
            if qty
        ]

    def fetch_balance(self, params: Any = None) -> dict[str, Any]:
        self.ask("fetch_balance")
        return {"total": {name: float(qty) for name, qty in self.owned.items()}}

    def fetch_ticker(self, symbol: str, params: Any = None) -> dict[str, Any]:
        self.ask("fetch_ticker")
        if symbol != "BNB/USDT":
            raise ccxt.BadSymbol(symbol)
        return {"last": 600.0}

    # --- the market moves -----------------------------------------------------------------------------
    def size(self, symbol: str) -> Decimal:
        return Decimal("0.1") if symbol == SWAP else Decimal(1)

    def trade_at(self, price: Decimal, symbol: str = SPOT) -> None:
        """The price moves, a second passes, orders that it reaches fill."""
        self.prices[symbol], self.now = price, self.now + 1000
        for row in self.books.values():
            if row["symbol"] == symbol and row["status"] == "open":
                self.match(row)

    def match(self, row: dict[str, Any]) -> None:
        symbol, price = row["symbol"], self.prices[row["symbol"]]
        limit, sign = row["price"], 1 if row["side"] == "buy" else -1
        if limit is not None and (limit - price) * sign < 0:
            return
        qty = min(row["amount"] - row["filled"], self.most)
        held = self.contracts.get(symbol, Decimal(0))
        if row["reduceOnly"]:
            qty = min(qty, max(-held * sign, Decimal(0)))
        if qty:
            self.fill(row, qty, price if limit is None else limit)
        if row["filled"] == row["amount"]:
            row["status"] = "closed"
        elif row["reduceOnly"] and not self.contracts.get(symbol):
            row["status"] = "canceled"

    def fill(self, row: dict[str, Any], qty: Decimal, price: Decimal) -> None:
        symbol, sign = row["symbol"], 1 if row["side"] == "buy" else -1
        cost = qty * self.size(symbol) * price
        fee = cost / 1000
        row["filled"] += qty
        row["cost"] += cost
        row["fee"] += fee
        if symbol == SPOT:
            self.owned["BTC"] += sign * qty
            self.owned["USDT"] -= sign * cost + fee
        else:
            self.contracts[symbol] = self.contracts.get(symbol, Decimal(0)) + sign * qty
        self.trades_done.append(
            {
                "id": str(len(self.trades_done) + 1),
                "order": row["id"],
                "symbol": symbol,
                "side": row["side"],
                "timestamp": self.now,
                "price": str(price),
                "amount": str(qty),
                "cost": None,
                "fee": {"cost": str(fee), "currency": "USDT"},
                "info": {},
            }
        )
