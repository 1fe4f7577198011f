"""POST /rebalancing/cancel: nothing more is sent, what was filled stays, and the worlds are free again."""

from __future__ import annotations

from typing import Any

import pytest

from rebalancing.models import Execution, ExecutionWorld, Order, PositionSnapshot
from rebalancing.services import settle_executions
from strategies.models import Fill
from tests.activation.acting import breaker
from tests.api import ApiClient, body
from tests.problem import nothing_written, pointer, refusal
from tests.rebalancing.conftest import events_of
from tests.rebalancing.executing import EXECUTE, apply, execute, lines, only, register, report
from tests.rebalancing.test_one_execution import CANCEL, UP


def cancel(client: ApiClient, run_id: str = "r1", **fields: Any) -> dict[str, Any]:
    answer = client.post(CANCEL, {"run_id": run_id, "reason": "not now", **fields})
    assert answer.status_code == 200, answer.content
    document: dict[str, Any] = body(answer)
    return document


@pytest.fixture
def begun(desk: ApiClient) -> ApiClient:
    """`beta` has reduced; what opens in `alpha` waits."""
    apply(desk, **UP)
    breaker(desk, engaged=True)
    assert execute(desk)["status"] == "running"
    return desk


@pytest.fixture
def handed(trading: ApiClient) -> ApiClient:
    register(trading)
    apply(trading, **only(after=1.0))
    execute(trading)
    return trading


# --- on paper ---------------------------------------------------------------------------------------------
def test_what_was_not_sent_is_cancelled_and_what_was_filled_stays(begun: ApiClient) -> None:
    done = cancel(begun)
    assert done["status"] == "cancelled"
    assert {order["status"] for order in done["orders"]} == {"filled", "cancelled"}
    gone = [order for order in done["orders"] if order["status"] == "cancelled"]
    assert {(order["code"], order["reason"]) for order in gone} == {("E_CANCELLED", "cancelled: not now")}
    assert Fill.objects.count() == sum(order["status"] == "filled" for order in done["orders"]) == 1
    assert not done["reconciliation"]["meets_plan"]


def test_no_allocation_follows_and_the_positions_are_kept(begun: ApiClient) -> None:
    cancel(begun)
    assert body(begun.get("/allocations"))["allocations"] == {}
    kept = PositionSnapshot.objects.filter(origin="execution").order_by("world_id")
    assert [(row.world_id, row.gross_notional) for row in kept] == [
        ("alpha", 39_000),
        ("beta", pytest.approx(40_000 / 3)),
    ]


def test_it_is_told_and_audited_with_its_reason(begun: ApiClient) -> None:
    cancel(begun)
    told = events_of(begun, "alpha", "rebalancing.applied")[-1]
    assert (told["status"], {order["status"] for order in told["orders"]}) == ("cancelled", {"cancelled"})
    (entry,) = body(begun.get("/worlds/alpha/audit?limit=1"))["items"]
    assert (entry["action"], entry["details"]["reason"]) == ("rebalancing.cancel", "not now")
    row = Execution.objects.get()
    assert (row.cancelled_by, row.cancel_reason) == ("root", "not now")


def test_asked_again_it_changes_nothing_and_execution_does_not_go_on(begun: ApiClient) -> None:
    first = cancel(begun)
    breaker(begun, engaged=False)
    with nothing_written():
        assert cancel(begun) == first == execute(begun)


def test_its_worlds_are_free_again(begun: ApiClient) -> None:
    assert ExecutionWorld.objects.filter(released_at=None).count() == 2
    cancel(begun)
    assert not ExecutionWorld.objects.filter(released_at=None).exists()


def test_what_is_completed_is_not_cancelled(desk: ApiClient) -> None:
    apply(desk)
    execute(desk)
    with nothing_written():
        answer = desk.post(CANCEL, {"run_id": "r1", "reason": "not now"})
        assert refusal(answer) == (409, "E_ILLEGAL_TRANSITION")


def test_an_execution_in_a_retired_world_is_cancelled(begun: ApiClient) -> None:
    begun.delete("/worlds/alpha")
    assert refusal(begun.post(EXECUTE, {"run_id": "r1"})) == (409, "E_WORLD_RETIRED")
    assert cancel(begun)["status"] == "cancelled"


@pytest.mark.parametrize(
    ("fields", "place"),
    [({"reason": ""}, "/reason"), ({"reason": None}, "/reason"), ({"abandon": "yes"}, "/abandon"),
     ({"run_id": "latest"}, "/run_id"), ({"more": 1}, "/more")],
)  # fmt: skip
def test_a_cancel_says_which_and_why(begun: ApiClient, fields: dict[str, Any], place: str) -> None:
    with nothing_written():
        answer = begun.post(CANCEL, {"run_id": "r1", "reason": "not now", **fields})
        assert (answer.status_code, pointer(answer)) == (422, place)


@pytest.mark.parametrize(("role", "status"), [("operator", 200), ("viewer", 403), ("risk", 403)])
def test_it_takes_the_operator_of_each_world(begun: ApiClient, someone: Any, role: str, status: int) -> None:
    for world in ("alpha", "beta"):
        who = someone("ann", world=world, roles=[role])
    assert who.post(CANCEL, {"run_id": "r1", "reason": "not now"}).status_code == status


def test_who_has_no_role_in_one_of_its_worlds_does_not_find_it(begun: ApiClient, someone: Any) -> None:
    who = someone("ann", world="alpha", roles=["operator"])
    assert who.post(CANCEL, {"run_id": "r1", "reason": "not now"}).status_code == 404
    assert who.get("/rebalancing/runs/r1/orders").status_code == 404


# --- live -------------------------------------------------------------------------------------------------
def test_what_is_with_a_runner_is_to_be_taken_back(handed: ApiClient) -> None:
    asked = cancel(handed)
    assert (asked["status"], lines(asked["orders"])) == (
        "cancelling",
        [("open", "buy", 3, "BTC", "cancelling")],
    )
    told = events_of(handed, "alpha", "rebalancing.applied")[-1]
    assert (told["status"], told["orders"][0]["status"]) == ("cancelling", "cancelling")
    apply(handed, "r2", **only(after=1.0))
    assert refusal(handed.post(EXECUTE, {"run_id": "r2"})) == (409, "E_APPLY_IN_PROGRESS")


def test_what_the_runner_still_fills_is_booked(handed: ApiClient) -> None:
    (order,) = cancel(handed)["orders"]
    report(handed, order, "1")
    assert settle_executions() == 0
    assert Order.objects.get().filled_qty == 1
    report(handed, order, "2", fill="f2")
    assert settle_executions() == 1
    done = execute(handed)
    assert (done["status"], done["reconciliation"]["meets_plan"]) == ("completed", True)
    assert body(handed.get("/allocations"))["allocations"]["alpha"]["allocation"] == 1


def test_a_person_says_that_no_runner_has_it_any_more(handed: ApiClient) -> None:
    (order,) = cancel(handed)["orders"]
    report(handed, order, "1")
    done = cancel(handed, abandon=True)
    assert (done["status"], done["orders"][0]["status"], done["orders"][0]["filled_qty"]) == (
        "cancelled",
        "cancelled",
        1,
    )
    assert done["reconciliation"]["differences"][0]["difference"] == -2
    (kept,) = PositionSnapshot.objects.filter(origin="execution")
    assert kept.gross_notional == 40_000


def test_a_fill_that_comes_after_that_is_shown(handed: ApiClient) -> None:
    (order,) = cancel(handed, abandon=True)["orders"]
    report(handed, order, "2")
    assert settle_executions() == 0
    assert execute(handed)["reconciliation"]["differences"][0]["difference"] == -1


def test_asking_again_while_it_is_taken_back_sends_nothing(handed: ApiClient) -> None:
    cancel(handed)
    with nothing_written():
        assert execute(handed)["status"] == "cancelling"
        assert cancel(handed)["status"] == "cancelling"
