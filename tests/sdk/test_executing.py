"""Orders that a rebalancing hands to a runner: carried out once, through its gate, through restarts of both."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from qmtl.client import Client
from tests.sdk.test_run import HELD, Running, copy_of, ready
from tests.waiting import wait_for

WORLD, NAME, EXECUTOR = "handing", "executed", "desk-1"
CLOSE = dict(zip(HELD.symbols, HELD.close[720].tolist(), strict=True))


@pytest.fixture
def start(client: Client, tmp_path: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def run(world: str = WORLD) -> Running:
        started.append(Running(client, copy_of(NAME), world, tmp_path, executor=EXECUTOR))
        if len(started) > 1:
            started[-1].next = started[-2].next
        return started[-1]

    yield run
    for each in started:
        each.bars.put(None)
        each.thread.join(timeout=30)


def held(client: Client, world: str = WORLD) -> dict[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for fill in client.fills(world, NAME, mode="live", limit=500):
        found[fill.symbol] += Decimal(fill.qty) * (1 if fill.side == "buy" else -1)
    return {symbol: qty for symbol, qty in found.items() if qty}


def orders_of(client: Client, run_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.rebalance_execute(run_id, dry_run=True)["orders"]
    return found


def plan(
    client: Client, run_id: str, before: float, after: float, *, world: str = WORLD, times: int = 1
) -> dict[str, Any]:
    """Recorded, and executed as far as it goes. `times`: so much more is said to be held than is."""
    client.rebalance_apply(
        {
            "run_id": run_id,
            "total_equity": 1_000_000,
            "world_alloc_before": {world: before},
            "world_alloc_after": {world: after},
            "positions": [
                {
                    "world_id": world,
                    "strategy_id": NAME,
                    "symbol": symbol,
                    "qty": str(qty * times),
                    "mark": CLOSE[symbol],
                }
                for symbol, qty in held(client, world).items()
            ],
        }
    )
    return client.rebalance_execute(run_id)


def fills_of(client: Client, done: dict[str, Any]) -> dict[str, Decimal]:
    """What was reported under each order, signed."""
    ids = {order["order_id"] for order in done["orders"]}
    found: dict[str, Decimal] = defaultdict(Decimal)
    for fill in client.fills(WORLD, NAME, mode="live", limit=500):
        if fill.order_id in ids:
            found[fill.order_id] += Decimal(fill.qty) * (1 if fill.side == "buy" else -1)
    return found


def worth(client: Client) -> float:
    return sum(float(qty) * CLOSE[symbol] for symbol, qty in held(client).items())


def test_handed_orders_are_carried_out_once(client: Client, start: Callable[[], Running]) -> None:
    """Cut to a third while the runner was away, and restored while it trades: each time the plan is met, once."""
    ready(client, WORLD, copy_of(NAME))
    run = start()
    run.until(lambda: len(list(client.performance(WORLD, NAME))) >= 30)
    assert client.evaluate_world(WORLD).plan["promote"] == [NAME]
    run.until(lambda: run.said_that("gate open"))
    run.until(lambda: len(held(client)) == 5)
    run.feed(2)
    run.end()
    whole = worth(client)

    # Somebody of that name holds a lease when the orders are handed over, and is gone before he has looked at them.
    client.register_gate(WORLD, "stand-in", [{"id": NAME}], executor=EXECUTOR)
    away = plan(client, "less", 0.3, 0.1)
    assert {(o["purpose"], o["status"], o["executor"]) for o in away["orders"]} == {
        ("reduce", "handed", EXECUTOR)
    }
    assert len(away["orders"]) == 5
    client.revoke_gate(WORLD, "stand-in")

    run = start()
    run.until(lambda: client.rebalance_execute("less")["status"] == "completed")
    done = client.rebalance_execute("less")
    assert done["reconciliation"] == {"meets_plan": True, "differences": []}
    run.feed(5)
    time.sleep(1.0)  # its own targets do not undo it
    assert worth(client) == pytest.approx(whole / 3, rel=0.05)
    run.until(lambda: run.said_that("gate open"))

    again = plan(client, "more", 0.1, 0.3)
    assert {(o["purpose"], o["status"]) for o in again["orders"]} == {("open", "handed")}
    run.until(lambda: client.rebalance_execute("more")["status"] == "completed")
    run.feed(5)
    time.sleep(1.0)
    report = run.end()
    assert worth(client) == pytest.approx(whole, rel=0.05)

    for each in (done, client.rebalance_execute("more")):
        signs = {o["order_id"]: -1 if o["side"] == "sell" else 1 for o in each["orders"]}
        told = fills_of(client, each)
        wanted = {o["order_id"]: Decimal(str(o["qty"])) * signs[o["order_id"]] for o in each["orders"]}
        assert {name: float(qty) for name, qty in told.items()} == pytest.approx(
            {name: float(qty) for name, qty in wanted.items()}, rel=1e-12
        )
    wait_for(lambda: not any(gate.holds_lease for gate in client.gates(WORLD)))
    assert not report.not_taken, report.not_taken


def test_what_is_not_filled_is_seen_and_what_is_cancelled_is_taken_back(
    client: Client, start: Callable[..., Running]
) -> None:
    """More is to be sold than there is: the broker fills what is held and refuses the rest. A person ends it."""
    world = "refusing"
    ready(client, world, copy_of(NAME))
    run = start(world)
    run.until(lambda: len(list(client.performance(world, NAME))) >= 30)
    assert client.evaluate_world(world).plan["promote"] == [NAME]
    run.until(lambda: run.said_that("gate open"))
    run.until(lambda: len(held(client, world)) == 5)
    plan(client, "too-much", 0.3, 0.1, world=world, times=3)
    run.until(lambda: {order["code"] for order in orders_of(client, "too-much")} == {"E_NOT_FILLED"})
    assert {order["status"] for order in orders_of(client, "too-much")} == {"handed"}
    assert all(order["reason"] for order in orders_of(client, "too-much"))

    assert client.rebalance_cancel("too-much", reason="enough")["status"] == "cancelling"
    run.until(lambda: {order["status"] for order in orders_of(client, "too-much")} == {"cancelled"})
    wait_for(lambda: run.said_that("too-much is cancelled: the capital is what it was"))
    assert run.end().not_taken == {}
