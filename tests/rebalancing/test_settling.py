"""What goes on in the background: every execution has its turn, and a fault in one holds up no other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from qmtl_site.driver import make_up_executions
from rebalancing.models import Execution, Order
from rebalancing.services import batches, executing, settle_executions, settling
from strategies.models import Fill
from tests.api import ApiClient, body
from tests.problem import nothing_written
from tests.rebalancing.conftest import bind, events_of, position
from tests.rebalancing.executing import apply, execute, only, register, report
from tests.rebalancing.test_large_executions import many


def in_other_worlds(client: ApiClient, monkeypatch: pytest.MonkeyPatch, count: int) -> list[str]:
    """Executions of which each has made its orders in a world of its own, and has sent none."""
    monkeypatch.setattr(executing, "MOST_MADE", 0)
    names = [f"w{number}" for number in range(count)]
    for name in names:
        client.make_world(name, policy=None)
        bind(client, name, f"s-{name}")
        rows = [position(name, f"s-{name}", "BTC", 2, 10)]
        apply(client, name, world_alloc_before={name: 0.1}, world_alloc_after={name: 0.05}, positions=rows)
        assert execute(client, name)["status"] == "running"
    return names


def states() -> dict[str, str]:
    return dict(Execution.objects.values_list("plan__run_id", "state"))


def test_orders_that_no_call_sent_are_sent(desk: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executing, "MOST_MADE", 4)
    monkeypatch.setattr(batches, "MOST_ORDERS", 2)
    apply(desk, **many(5))
    assert execute(desk)["status"] == "running"
    assert settle_executions() == 1
    assert (Order.objects.filter(status="filled").count(), Fill.objects.count()) == (5, 5)
    assert execute(desk)["reconciliation"]["meets_plan"]
    acts = [
        row
        for row in body(desk.get("/worlds/alpha/audit?limit=20"))["items"]
        if row["action"] == "rebalancing.execute"
    ]
    assert [(act["actor"], act["details"]["status"]) for act in acts] == [
        *[("service:rebalancing", "completed")],
        *[("service:rebalancing", "running")] * 2,
        ("root", "running"),
    ]


def test_all_are_looked_at_page_by_page(desk: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    names = in_other_worlds(desk, monkeypatch, 5)
    monkeypatch.setattr(settling, "PAGE", 2)
    assert settle_executions() == 5
    assert states() == dict.fromkeys(names, "completed")


def test_a_fault_in_one_holds_up_no_other(desk: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = in_other_worlds(desk, monkeypatch, 3)
    whole = settling.plan_again

    def faulty(record: Any) -> Any:
        if record.run_id == first:
            raise ZeroDivisionError
        return whole(record)

    monkeypatch.setattr(settling, "plan_again", faulty)
    assert settle_executions() == 2
    assert states() == {first: "running", **dict.fromkeys(others, "completed")}


def test_who_was_not_looked_at_for_longest_comes_first(
    desk: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = in_other_worlds(desk, monkeypatch, 3)
    now = timezone.now()
    for age, name in enumerate(names):
        Execution.objects.filter(plan__run_id=name).update(looked_at=now - timedelta(minutes=age))
    seen: list[str] = []
    monkeypatch.setattr(settling, "go_on", lambda record, _: bool(seen.append(record.run_id)))
    settle_executions()
    assert seen == names[::-1]


def test_a_round_that_has_no_time_left_begins_with_the_others_next_time(
    desk: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = in_other_worlds(desk, monkeypatch, 3)
    seen: list[str] = []
    monkeypatch.setattr(settling, "go_on", lambda record, _: bool(seen.append(record.run_id)))
    ticks = iter(range(1000))
    monkeypatch.setattr(settling.time, "monotonic", lambda: next(ticks) * 3.0)
    for _ in range(3):
        settle_executions()
    assert seen == names


def test_only_what_nobody_has_looked_at_is_made_up_for(
    desk: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_other_worlds(desk, monkeypatch, 1)
    Execution.objects.update(looked_at=timezone.now())
    assert settle_executions(since_before=timezone.now() - timedelta(minutes=1)) == 0
    assert settle_executions() == 1


def test_the_driver_goes_on_with_what_no_worker_took(
    desk: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    (name,) = in_other_worlds(desk, monkeypatch, 1)
    make_up_executions()
    assert states() == {name: "running"}  # a worker has some seconds for it
    Execution.objects.update(looked_at=timezone.now() - timedelta(minutes=1))
    make_up_executions()
    assert states() == {name: "completed"}


def test_what_waits_for_somebody_is_left_alone(trading: ApiClient) -> None:
    """A refused order is tried again by a person; an order at a runner without news writes nothing."""
    register(trading)
    apply(trading, **only(after=1.0))
    execute(trading)
    with nothing_written():
        assert settle_executions() == 0
    assert len(events_of(trading, "alpha", "rebalancing.applied")) == 1


def test_without_a_runner_an_order_waits_with_its_reason(
    trading: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executing, "MOST_MADE", 0)
    apply(trading, **only(after=1.0))
    execute(trading)
    assert settle_executions() == 0
    assert list(Order.objects.values_list("status", "code")) == [("refused", "E_NO_EXECUTOR")]
    register(trading)
    assert execute(trading)["orders"][0]["status"] == "handed"


def test_in_a_retired_world_nothing_is_sent_and_what_was_filled_is_booked(
    trading: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(trading)
    apply(trading, **only(after=1.0))
    (order,) = execute(trading)["orders"]
    report(trading, order, "3")
    trading.delete("/worlds/alpha?force=true")
    assert settle_executions() == 1


def test_new_orders_of_a_retired_world_are_refused(desk: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    (name,) = in_other_worlds(desk, monkeypatch, 1)
    assert desk.delete(f"/worlds/{name}").status_code in {200, 204}
    assert settle_executions() == 0
    assert list(Order.objects.values_list("status", "code")) == [("refused", "E_WORLD_RETIRED")]
    with nothing_written():
        assert settle_executions() == 0
