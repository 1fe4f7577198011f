"""A runner's handed orders without processes: real client, gate, account and broker; the service's answers are given."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import numpy as np

from qmtl.brokers import Instrument, PaperBroker, Terms, suspend_proof_seconds
from qmtl.client import Client, Config, Retries
from qmtl.contracts.gate import GateView
from qmtl.sdk import Bar
from qmtl.sdk.runtime import GateKeeper
from qmtl.sdk.runtime.desk import Desk
from qmtl.sdk.runtime.executing import Executing
from qmtl.sdk.runtime.trader import Trader

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SYMBOLS = ("BTC", "ETH")


class Told:
    """What a service of one world answers: its events, who holds gates; and what it was told, by strategy."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.kept: dict[str, dict[str, dict[str, Any]]] = {}
        self.gates = [self.client_of("me", NOW)]
        self.live = ["a", "b"]
        self.is_away = False
        self.words: list[dict[str, str]] = []

    @staticmethod
    def client_of(name: str, at: datetime) -> dict[str, Any]:
        return {"client_id": name, "executor": "desk", "registered_at": at.isoformat(), "holds_lease": True}

    def apply(self, run_id: str, *orders: dict[str, Any], status: str = "running", scale: str = "1") -> None:
        data = {
            "run_id": run_id, "status": status, "mode": "scaling", "orders": list(orders),
            "per_world": {"w": {"scale_by_strategy": {"a": float(scale)}}},
        }  # fmt: skip
        event = {"type": "rebalancing.applied", "time": NOW.isoformat(), "data": data}
        self.events.append({**event, "sequence": len(self.events) + 1})

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.is_away:
            raise httpx.ConnectError("away", request=request)
        path, query = request.url.path, request.url.params
        if path.endswith("/events"):
            return reply({"events": [e for e in self.events if e["sequence"] > int(query["after"])]})
        if path.endswith("/gates"):
            return reply({"items": self.gates, "next_cursor": None})
        if path.endswith("/bindings"):
            return reply(
                {
                    "items": [{"strategy_id": n, "world_id": "w", "state": "live"} for n in self.live],
                    "next_cursor": None,
                }
            )
        if path.endswith("/rebalancing/orders"):
            self.words += json.loads(request.content)["orders"]
            return reply({"noted": 1})
        kept = self.kept.setdefault(path.split("/")[4], {})
        if request.method == "GET":
            items = [each for each in kept.values() if each["order_id"] == query["order_id"]]
            return reply({"items": items, "next_cursor": None})
        posted = json.loads(request.content)
        new = {each["fill_id"]: each for each in posted if each["fill_id"] not in kept}
        kept.update(new)
        return reply({"accepted": len(new), "duplicates": len(posted) - len(new)}, 202)

    def fills(self, strategy: str) -> Decimal:
        signs = {"buy": 1, "sell": -1}
        return sum(
            (Decimal(f["qty"]) * signs[f["side"]] for f in self.kept.get(strategy, {}).values()), Decimal(0)
        )


def reply(document: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=document)


def order(
    name: str, *parts: tuple[str, float], purpose: str = "open", status: str = "handed", **fields: Any
) -> dict[str, Any]:
    """As `rebalancing.applied` tells it."""
    signed = sum(qty for _, qty in parts)
    return {
        "order_id": name, "world_id": "w", "mode": "live", "purpose": purpose, "symbol": "BTC", "venue": None,
        "side": "sell" if signed < 0 else "buy", "qty": abs(signed), "status": status, "executor": "desk",
        "parts": [{"world_id": "w", "strategy_id": each, "delta_qty": qty} for each, qty in parts], **fields,
    }  # fmt: skip


class Life:
    """One life of the runner of `a`: `see` is the next bar, `step` what its thread does again and again."""

    def __init__(
        self, service: Told, *, executor: str | None = "desk", after: Life | None = None, **terms: Any
    ) -> None:
        self.service, self.said = service, list[str]()
        self.client = Client(config=Config("http://told", "t"), retries=Retries(tries=1))
        self.client.http = httpx.Client(transport=httpx.MockTransport(service.answer))
        self.ahead = 0.0
        self.keeper = GateKeeper(self.client, "w", "me", {"a": ""}, executor=executor, clock=self.clock)
        self.keeper.also = frozenset({"b"})
        self.gates("a", "b")
        broker = PaperBroker(mode="live", cash=Decimal(10_000), default_terms=Terms(**terms))
        self.desk = Desk(
            world_id="w",
            strategy_id="a",
            symbols=SYMBOLS,
            broker=broker,
            capital=Decimal(10_000),
            gate=self.keeper,
        )
        self.trader = Trader(
            "a", self.keeper, paper=self.desk, make_live=lambda: self.desk, carries_over=lambda: False,
            why_lowered=lambda: "", say=self.said.append,
        )  # fmt: skip
        self.trader.desks = {"live": self.desk}
        self.saved: dict[str, Any] = {}
        self.executing = Executing(
            self.client, self.keeper, self.trader, executor=executor,
            broker_for=lambda desk, symbols: desk.broker, say=self.said.append, save=self.save,
        )  # fmt: skip
        self.trader.handed = self.executing
        self.bars = 0
        if after is not None:
            self.bars = after.bars
            self.desk.load(json.loads(json.dumps(after.saved["desk"])))
            self.executing.load(json.loads(json.dumps(after.saved["handed"])))
        else:
            self.executing.log.begin(len(service.events))
        self.see()

    def clock(self) -> float:
        return suspend_proof_seconds() + self.ahead

    def save(self) -> None:
        self.saved = {"desk": self.desk.state(), "handed": self.executing.state()}

    def gates(self, *opened: str) -> None:
        """Just these are open."""
        envelopes = [
            {
                "strategy_id": name, "epoch": [1, 1], "sequence": 1, "active": name in opened, "freeze": False,
                "drain": False, "effective_mode": "live", "weight": 1.0,
            }
            for name in ("a", "b")
        ]  # fmt: skip
        self.keeper.view = GateView("w", sequence=0, envelopes=envelopes)
        self.keeper.view.renewed(sent=self.clock(), lease_seconds=100.0, newest=0, decision_seconds=1e6)
        self.keeper.envelopes = {each["strategy_id"]: each for each in envelopes}

    def see(self) -> None:
        self.bars += 1
        time = round((NOW + timedelta(days=self.bars)).timestamp() * 1000)
        self.trader.see(Bar(time, {"close": np.array([100.0, 10.0])}))

    def step(self) -> Life:
        self.executing.step()
        return self

    def go(self) -> Life:
        """Sent, filled by the next bar, reported."""
        self.step()
        self.see()
        return self.step()

    def hold(self, qty: int) -> None:
        """It has bought so much before."""
        self.desk.account.held[Instrument("BTC")] = Decimal(qty)
        self.desk.broker.account.held[Instrument("BTC")] = Decimal(qty)  # type: ignore[attr-defined]

    def said_that(self, text: str) -> bool:
        return any(text in line for line in self.said)

    @property
    def position(self) -> Decimal:
        return self.desk.account.position(Instrument("BTC"))
