"""Executions under everything at once: processes that die, calls that cross each other, documents without end."""

from __future__ import annotations

import os
import random
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from rebalancing.models import Allocation, Execution, ExecutionWorld, Order
from rebalancing.services import batches, executing, settle_executions, settling
from strategies.models import Fill
from tests.api import ApiClient, body
from tests.conftest import client_of
from tests.problem import nothing_written, pointer, refusal
from tests.rebalancing.conftest import asked, bind, position
from tests.rebalancing.executing import EXECUTE, apply, execute
from tests.rebalancing.test_large_executions import many
from tests.rebalancing.test_one_execution import CANCEL

LONG = ["1" * 1000, "0." + "1" * 1000, "-" + "9" * 1000, "1" * 500 + "." + "1" * 500, "1e999", "1" * 41]


@pytest.mark.parametrize("place", ["book", "update_rows", "keep_result", "tell"])
def test_a_fault_anywhere_leaves_nothing_and_the_next_call_trades_once(
    desk: ApiClient, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    apply(desk)
    with monkeypatch.context() as patch, nothing_written():
        patch.setattr(batches.Batch if place == "keep_result" else batches, place, fail)
        assert refusal(desk.post(EXECUTE, {"run_id": "r1"})) == (500, "E_INTERNAL")
    assert execute(desk)["status"] == "completed"
    assert Fill.objects.count() == 3


def test_a_process_that_is_killed_between_batches_leaves_whole_batches(committed: None) -> None:
    """Killed with the second of its batches written and not committed; another one goes on."""
    root = client_of(User.objects.create_superuser("root"))
    root.make_world("alpha", policy=None)
    bind(root, "alpha", "mom")
    apply(root, **many(6))
    connection.close()
    child = os.fork()
    if child == 0:
        try:
            executing.MOST_MADE, batches.MOST_ORDERS = 0, 2
            root.post(EXECUTE, {"run_id": "r1"})
            told, seen = batches.note_act, []

            def kill(*args: Any, **named: Any) -> None:
                told(*args, **named)
                seen.append(1)
                if len(seen) == 2:
                    os.kill(os.getpid(), signal.SIGKILL)

            batches.note_act = kill
            settle_executions()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert Fill.objects.count() == Order.objects.filter(status="filled").count() == 2
    assert settle_executions() == 1
    assert Fill.objects.count() == 6
    assert Allocation.objects.get().run_id == "r1"


def test_calls_that_cross_each_other_trade_once_and_end_in_one_state(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executing, "MOST_MADE", 0)
    monkeypatch.setattr(batches, "MOST_ORDERS", 3)
    root = client_of(User.objects.create_superuser("root"))
    root.make_world("alpha", policy=None)
    bind(root, "alpha", "mom")
    for run_id in ("r1", "r2"):
        apply(root, run_id, **many(12))
    draws = random.Random(1)
    calls = [
        *[lambda: root.post(EXECUTE, {"run_id": "r1"}).status_code] * 4,
        *[lambda: root.post(EXECUTE, {"run_id": "r2"}).status_code] * 4,
        *[lambda: root.post(CANCEL, {"run_id": "r1", "reason": "not now"}).status_code] * 2,
        *[lambda: int(settle_executions() >= 0)] * 4,
        *[lambda: root.get("/rebalancing/runs/r1/orders").status_code] * 2,
    ]
    draws.shuffle(calls)

    def go(call: Any) -> int:
        try:
            return int(call())
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        codes = set(pool.map(go, calls))
    assert codes <= {1, 200, 409, 412}
    settle_executions()
    assert Fill.objects.count() == Order.objects.filter(status="filled").count()
    # Withdrawn where a cancellation comes before all others.
    assert set(Execution.objects.values_list("state", flat=True)) <= {"completed", "cancelled", "withdrawn"}
    assert not ExecutionWorld.objects.filter(released_at=None).exists()
    traded = set(Order.objects.filter(status="filled").values_list("execution__plan__run_id", flat=True))
    assert len(traded) == 1


@pytest.mark.parametrize("value", LONG, ids=lambda text: f"{text[:6]} of {len(text)}")
@pytest.mark.parametrize(
    ("path", "fields", "place"),
    [
        ("/rebalancing/apply", lambda n: {"total_equity": n}, "/total_equity"),
        ("/rebalancing/apply", lambda n: {"world_alloc_after": {"alpha": n}}, "/world_alloc_after/alpha"),
        ("/rebalancing/apply", lambda n: {"positions": [position("alpha", "mom", "B", n, 1)]}, "/positions/0/qty"),
        ("/rebalancing/apply", lambda n: {"positions": [position("alpha", "mom", "B", 1, n)]}, "/positions/0/mark"),
        ("/rebalancing/apply", lambda n: {"lot_size_by_symbol": {"BTC": n}}, "/lot_size_by_symbol/BTC"),
        ("/rebalancing/apply", lambda n: {"min_trade_notional": n}, "/min_trade_notional"),
    ],
)  # fmt: skip
def test_numbers_without_end_are_refused_in_their_place(
    desk: ApiClient, path: str, fields: Any, place: str, value: str
) -> None:
    with nothing_written():
        answer = desk.post(path, asked(run_id="r1", **fields(value)))
    assert (answer.status_code, pointer(answer)) == (422, place)


def test_an_order_that_nobody_can_send_does_not_stand_before_the_others(
    desk: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More orders are refused than a call looks at: each call tries those that waited for longest."""
    monkeypatch.setattr(batches, "MOST_ORDERS", 2)
    up = {**many(5), "world_alloc_after": {"alpha": 0.6}}
    apply(desk, **up)
    desk.post("/worlds/alpha/circuit-breaker", {"engaged": True, "reason": "a test"})
    for _ in range(4):
        assert execute(desk)["status"] == "running"
    assert set(Order.objects.values_list("status", flat=True)) == {"refused"}
    desk.post("/worlds/alpha/circuit-breaker", {"engaged": False, "reason": "a test"})
    for _ in range(3):
        last = execute(desk)
    assert last["status"] == "completed"


def test_pages_of_orders_are_all_orders_once(desk: ApiClient) -> None:
    apply(desk, **many(7))
    execute(desk)
    seen, path = [], "/rebalancing/runs/r1/orders?limit=3"
    while True:
        page = body(desk.get(path))
        seen += [order["symbol"] for order in page["items"]]
        if page["next_cursor"] is None:
            break
        path = f"/rebalancing/runs/r1/orders?limit=3&cursor={page['next_cursor']}"
    assert seen == [f"S{number:04}" for number in range(7)]
    assert body(desk.get("/rebalancing/runs/r1/orders?status=refused"))["items"] == []


def test_an_answer_of_many_orders_has_the_first_ones_and_says_where_the_others_are(
    desk: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rebalancing.selectors.executions.MOST_SHOWN", 2)
    monkeypatch.setattr(executing, "MOST_MADE", 0)
    apply(desk, **many(5))
    begun = execute(desk)
    assert (len(begun["orders"]), begun["order_counts"]) == (2, {"new": 5})
    assert begun["reconciliation"] == {**begun["reconciliation"], "meets_plan": False, "is_whole": False}
    assert [each["symbol"] for each in body(desk.get(begun["next_orders"]))["items"]] == [
        "S0002",
        "S0003",
        "S0004",
    ]
    assert settling.settle_executions() == 1
    done = execute(desk)
    assert (done["status"], done["order_counts"], done["reconciliation"]["meets_plan"]) == (
        "completed",
        {"filled": 5},
        True,
    )
