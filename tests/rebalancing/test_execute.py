"""POST /rebalancing/execute: on paper at once, live through the runner; never twice, never through a closed gate."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from qmtl_site.audit.actor import Actor
from rebalancing.models import Execution, Order
from rebalancing.services import settle_executions
from strategies.models import Activation, Binding, Fill
from strategies.services import move_binding
from tests.activation.acting import breaker
from tests.api import ApiClient, body
from tests.problem import nothing_written, refusal
from tests.rebalancing.conftest import events_of, position
from tests.rebalancing.executing import EXECUTE, apply, execute, lines, only, register, report


# --- on paper ---------------------------------------------------------------------------------------------
def test_on_paper_the_positions_meet_the_plan_at_once(desk: ApiClient) -> None:
    apply(desk)
    done = execute(desk)
    assert lines(done["orders"]) == [
        ("reduce", "sell", 1, "BTC", "filled"),
        ("reduce", "sell", 3, "ETH", "filled"),
        ("open", "buy", 1, "BTC", "filled"),
    ]
    assert (done["status"], done["reconciliation"]) == ("completed", {"meets_plan": True, "differences": []})


def test_what_is_executed_is_what_is_allocated(desk: ApiClient) -> None:
    apply(desk)
    assert body(desk.get("/allocations"))["allocations"] == {}
    execute(desk)
    now = body(desk.get("/allocations"))["allocations"]
    assert {world: (each["allocation"], each["run_id"]) for world, each in now.items()} == {
        "alpha": (0.2, "r1"),
        "beta": (0.3, "r1"),
    }


def test_each_strategy_has_its_fills(desk: ApiClient) -> None:
    apply(desk)
    execute(desk)
    fills = Fill.objects.order_by("binding__strategy_id").values_list(
        "binding__strategy_id", "side", "qty", "mode"
    )
    assert list(fills) == [
        ("carry", "buy", Decimal(1), "paper"),
        ("mom", "sell", Decimal(1), "paper"),
        ("rev", "sell", Decimal(3), "paper"),
    ]


def test_nothing_is_filled_twice(desk: ApiClient) -> None:
    apply(desk)
    first = execute(desk)
    with nothing_written():
        assert execute(desk) == first


def test_a_rehearsal_changes_nothing(desk: ApiClient) -> None:
    apply(desk)
    with nothing_written():
        rehearsed = execute(desk, dry_run=True)
    assert (rehearsed["status"], {order["status"] for order in rehearsed["orders"]}) == ("planned", {"new"})
    done = execute(desk)
    assert [o["order_id"] for o in done["orders"]] == [o["order_id"] for o in rehearsed["orders"]]


def test_strategies_of_a_shared_account_trade_with_each_other(desk: ApiClient) -> None:
    apply(desk, shared_account=True)
    done = execute(desk)
    assert lines(done["orders"]) == [
        ("reduce", "sell", 3, "ETH", "filled"),
        ("cross", "buy", 0, "BTC", "filled"),
    ]
    assert done["reconciliation"]["meets_plan"]
    assert Fill.objects.filter(symbol="BTC").count() == 2


def test_costs_on_paper_are_those_of_the_world(desk: ApiClient) -> None:
    desk.patch(
        "/worlds/alpha", {"broker": {"kind": "paper", "paper": {"taker_bps": 10, "slippage_bps": 100}}}
    )
    apply(desk)
    (sold, *_) = execute(desk)["orders"]
    assert (sold["average_price"], sold["fee"]) == (9_900, 9.9)


def test_each_world_is_told_and_it_is_audited(desk: ApiClient) -> None:
    apply(desk, schema_version=2)
    execute(desk, reason="as agreed")
    (told,) = events_of(desk, "alpha", "rebalancing.applied")
    assert (told["status"], told["schema_version"], len(told["orders"])) == ("completed", 2, 2)
    entry = body(desk.get("/worlds/alpha/audit?limit=10"))["items"]
    assert "rebalancing.execute" in [each["action"] for each in entry]


def test_an_unknown_run_is_not_found(desk: ApiClient) -> None:
    assert refusal(desk.post(EXECUTE, {"run_id": "nope"})) == (404, "E_NOT_FOUND")


@pytest.mark.parametrize(("role", "status"), [("operator", 200), ("viewer", 403), ("risk", 403)])
def test_it_takes_the_operator_of_each_world(desk: ApiClient, someone: Any, role: str, status: int) -> None:
    apply(desk)
    for world in ("alpha", "beta"):
        who = someone("ann", world=world, roles=[role])
    assert who.post(EXECUTE, {"run_id": "r1"}).status_code == status


def test_a_halted_world_reduces_on_paper_and_opens_nothing(desk: ApiClient) -> None:
    breaker(desk, engaged=True)
    apply(desk, world_alloc_after={"alpha": 0.4, "beta": 0.2})
    with nothing_written():
        assert refusal(desk.post(EXECUTE, {"run_id": "r1"})) == (409, "E_GATE_CLOSED")
    apply(desk, "r2", world_alloc_after={"alpha": 0.2, "beta": 0.2})
    assert execute(desk, "r2")["status"] == "completed"


def test_who_was_stopped_reduces_on_paper_and_opens_nothing(desk: ApiClient) -> None:
    for binding in Binding.objects.all():
        move_binding(binding=binding, by="deactivate", reason="a test", actor=Actor.service("test"))
    apply(desk, world_alloc_after={"alpha": 0.4, "beta": 0.2})
    with nothing_written():
        assert refusal(desk.post(EXECUTE, {"run_id": "r1"})) == (409, "E_GATE_CLOSED")
    apply(desk, "r2", world_alloc_after={"alpha": 0.2, "beta": 0.2})
    assert execute(desk, "r2")["status"] == "completed"


# --- live -------------------------------------------------------------------------------------------------
def test_a_live_order_is_handed_to_the_runner_and_its_fills_complete_it(trading: ApiClient) -> None:
    register(trading)
    apply(trading, **only(after=1.0))
    handed = execute(trading)
    assert lines(handed["orders"]) == [("open", "buy", 3, "BTC", "handed")]
    (order,) = handed["orders"]
    assert (order["executor"], order["mode"], handed["status"]) == ("runner-1", "live", "running")
    assert handed["reconciliation"]["differences"][0]["difference"] == -3

    report(trading, order, "1")
    assert settle_executions() == 0
    assert body(trading.get("/allocations"))["allocations"] == {}
    report(trading, order, "2", fill="f2")
    assert settle_executions() == 1
    done = execute(trading)
    assert (done["status"], done["orders"][0]["average_price"]) == ("completed", 10_100)
    assert done["reconciliation"]["meets_plan"]
    statuses = [told["status"] for told in events_of(trading, "alpha", "rebalancing.applied")]
    assert statuses == ["running", "running", "completed"]


def test_asking_again_hands_nothing_over_twice(trading: ApiClient) -> None:
    register(trading)
    apply(trading, **only(after=1.0))
    first = execute(trading)
    again = execute(trading)
    assert [o["order_id"] for o in again["orders"]] == [o["order_id"] for o in first["orders"]]
    assert Order.objects.count() == 1


def test_without_a_runner_nothing_is_done(trading: ApiClient) -> None:
    apply(trading, **only(after=1.0))
    with nothing_written():
        assert refusal(trading.post(EXECUTE, {"run_id": "r1"})) == (409, "E_NO_EXECUTOR")


def test_a_closed_gate_refuses_what_opens(trading: ApiClient) -> None:
    register(trading)
    apply(trading, **only(after=1.0))
    breaker(trading, engaged=True)
    with nothing_written():
        assert refusal(trading.post(EXECUTE, {"run_id": "r1"})) == (409, "E_GATE_CLOSED")


def test_a_reduction_passes_a_closed_gate(trading: ApiClient) -> None:
    register(trading)
    apply(trading, **only(after=0))
    breaker(trading, engaged=True)
    assert lines(execute(trading)["orders"]) == [("reduce", "sell", 3, "BTC", "handed")]


def test_what_was_refused_is_tried_again(trading: ApiClient) -> None:
    """`rev` trades on paper beside `mom`, so that something can be done while the gate is closed."""
    register(trading)
    both = only(after=1.0)
    both["positions"].append(position("alpha", "rev", "ETH", 2, 1_000))
    apply(trading, **both)
    Activation.objects.update(active=False)
    closed = execute(trading)
    assert lines(closed["orders"]) == [
        ("open", "buy", 3, "BTC", "refused"),
        ("open", "buy", 2, "ETH", "filled"),
    ]
    assert closed["orders"][0]["code"] == "E_GATE_CLOSED"
    assert not closed["reconciliation"]["meets_plan"]
    assert Execution.objects.get().state == "running"

    Activation.objects.update(active=True)
    assert lines(execute(trading)["orders"])[0] == ("open", "buy", 3, "BTC", "handed")
    assert Fill.objects.count() == 1


def test_a_world_that_may_not_trade_live_any_more_reduces_for_real_what_it_holds(trading: ApiClient) -> None:
    register(trading)
    apply(trading, **only(after=1.0))
    (order,) = execute(trading)["orders"]
    report(trading, order, "3")
    execute(trading)
    trading.patch("/worlds/alpha", {"allow_live": False})
    apply(trading, "r2", **only(after=0, qty=6))
    (out,) = execute(trading, "r2")["orders"]
    assert (out["mode"], out["purpose"], out["status"]) == ("live", "reduce", "handed")
