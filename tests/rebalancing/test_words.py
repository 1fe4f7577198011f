"""POST /worlds/{w}/rebalancing/orders: the runner says why an order is not filled, and that it took one back."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse

from rebalancing.models import Execution, ExecutionWorld, Order
from rebalancing.services import settle_executions
from tests.api import ApiClient, body
from tests.problem import nothing_written, pointer, refusal
from tests.rebalancing.conftest import events_of
from tests.rebalancing.executing import apply, execute, only, report

WORDS = "/worlds/alpha/rebalancing/orders"


class Runner:
    """Executes in `alpha` as `desk-1`; has one order, handed over by the run `r1`."""

    def __init__(self, client: ApiClient) -> None:
        self.client = client
        wanted = {"client_id": "g1", "strategies": [{"id": "mom"}], "executor": "desk-1"}
        self.secret = body(client.post("/worlds/alpha/gates", wanted))["lease_secret"]
        apply(client, **only(after=1.0))
        (self.order,) = execute(client)["orders"]
        assert self.order["status"] == "handed"

    def say(self, outcome: str, reason: str = "no multiple of 1", **other: Any) -> HttpResponse:
        word = {"order_id": self.order["order_id"], "outcome": outcome, "reason": reason}
        return self.client.post(
            WORDS, {"client_id": "g1", "lease_secret": self.secret, "orders": [word], **other}
        )

    def told(self, outcome: str, reason: str = "no multiple of 1") -> int:
        answer = self.say(outcome, reason)
        assert answer.status_code == 200, answer.content
        return int(body(answer)["changed"])

    def cancel(self) -> dict[str, Any]:
        found: dict[str, Any] = body(
            self.client.post("/rebalancing/cancel", {"run_id": "r1", "reason": "not now"})
        )
        return found

    def filled(self, qty: str, fill: str = "f1") -> None:
        report(self.client, self.order, qty, fill=fill)

    def shown(self) -> tuple[str, str | None, str]:
        (order,) = execute(self.client, dry_run=True)["orders"]
        return order["status"], order["code"], order["reason"]

    def events(self) -> int:
        return len(events_of(self.client, "alpha", "rebalancing.applied"))


@pytest.fixture
def runner(trading: ApiClient) -> Runner:
    return Runner(trading)


def test_a_refusal_of_the_broker_is_seen_with_its_reason(runner: Runner) -> None:
    before = runner.events()
    assert runner.told("not_filled") == 1
    assert runner.shown() == ("handed", "E_NOT_FILLED", "no multiple of 1")
    assert runner.events() == before  # it would be the word to try again
    (entry,) = body(runner.client.get("/worlds/alpha/audit?limit=1"))["items"]
    assert entry["action"] == "rebalancing.answer"


def test_saying_it_again_changes_nothing(runner: Runner) -> None:
    runner.told("not_filled")
    with nothing_written():
        assert runner.told("not_filled") == 0
    assert runner.told("not_filled", "another reason") == 1


def test_what_is_filled_after_all_is_filled(runner: Runner) -> None:
    runner.told("not_filled")
    runner.filled(str(runner.order["qty"]))
    settle_executions()
    assert runner.shown() == ("filled", None, "")
    assert Execution.objects.get().state == "completed"


def test_what_was_taken_back_is_cancelled_and_frees_its_world(runner: Runner) -> None:
    assert runner.cancel()["status"] == "cancelling"
    runner.filled("1")
    assert runner.told("taken_back") == 1
    order = Order.objects.get()
    assert (order.status, order.filled_qty) == ("cancelled", 1)
    assert Execution.objects.get().state == "cancelled"
    assert not ExecutionWorld.objects.filter(released_at=None).exists()
    assert events_of(runner.client, "alpha", "rebalancing.applied")[-1]["status"] == "cancelled"
    with nothing_written():
        assert runner.told("taken_back") == 0


def test_what_was_filled_meanwhile_is_not_cancelled(runner: Runner) -> None:
    runner.cancel()
    runner.filled(str(runner.order["qty"]))
    runner.told("taken_back")
    assert Order.objects.get().status == "filled"
    assert Execution.objects.get().state == "completed"


def test_nobody_takes_back_what_nobody_cancelled(runner: Runner) -> None:
    with nothing_written():
        assert runner.told("taken_back") == 0
    assert Order.objects.get().status == "handed"


def test_without_the_lease_nothing_is_taken(runner: Runner) -> None:
    with nothing_written():
        assert refusal(runner.say("not_filled", lease_secret="guessed")) == (409, "E_GATE_CLOSED")


def test_of_orders_of_others_nothing_is_taken(runner: Runner) -> None:
    Order.objects.update(executor="desk-2")
    with nothing_written():
        answer = runner.say("not_filled")
    assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), "/orders/0/order_id")


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"orders": []}, "/orders"),
        ({"orders": [{"order_id": "x", "outcome": "lost", "reason": "r"}]}, "/orders/0/outcome"),
        ({"orders": [{"order_id": "x", "outcome": "not_filled"}]}, "/orders/0/reason"),
        ({"orders": [{"order_id": "x\n", "outcome": "not_filled", "reason": "r"}]}, "/orders/0/order_id"),
        ({"orders": [{"order_id": "x", "outcome": "not_filled", "reason": "r" * 501}]}, "/orders/0/reason"),
        ({"more": 1}, "/more"),
    ],
)
def test_what_makes_no_sense_is_refused(runner: Runner, fields: dict[str, Any], place: str) -> None:
    with nothing_written():
        answer = runner.say("not_filled", **fields)
    assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), place)


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("operator", 403)])
def test_runners_say_it(runner: Runner, someone: Any, role: str, status: int) -> None:
    runner.client = someone("ann", world="alpha", roles=[role])
    assert runner.say("not_filled").status_code == status
