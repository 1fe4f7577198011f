"""POST /rebalancing/cancel of a plan that has not begun: it stays recorded, and never begins."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from rebalancing.models import Execution, Order, PlanRecord
from tests.api import ApiClient, body
from tests.conftest import client_of
from tests.problem import nothing_written, refusal
from tests.rebalancing.conftest import asked, bind, events_of
from tests.rebalancing.executing import EXECUTE, apply, execute, only
from tests.rebalancing.test_one_execution import CANCEL, UP

WHY = {"run_id": "r1", "reason": "nobody wants it"}


@pytest.fixture
def planned(desk: ApiClient) -> ApiClient:
    apply(desk)
    return desk


def test_a_plan_is_withdrawn_with_its_reason(planned: ApiClient) -> None:
    answer = planned.post(CANCEL, WHY)
    told = body(answer)
    assert (answer.status_code, told["status"], told["orders"]) == (200, "withdrawn", [])
    assert not told["reconciliation"]["meets_plan"]
    row = Execution.objects.get()
    assert (row.state, row.started_at, row.cancelled_by, row.cancel_reason) == (
        "withdrawn",
        None,
        "root",
        "nobody wants it",
    )


def test_the_record_stays(planned: ApiClient) -> None:
    before = planned.get("/rebalancing/runs/r1").content
    planned.post(CANCEL, WHY)
    assert planned.get("/rebalancing/runs/r1").content == before
    again = planned.post("/rebalancing/apply", asked(run_id="r1"))
    assert (again.status_code, again.content) == (200, before)


def test_it_is_audited_in_each_world_and_no_runner_is_told(planned: ApiClient) -> None:
    planned.post(CANCEL, WHY)
    for world in ("alpha", "beta"):
        (entry,) = body(planned.get(f"/worlds/{world}/audit?limit=1"))["items"]
        assert (entry["action"], entry["object_id"]) == ("rebalancing.withdraw", "r1")
        assert entry["details"]["reason"] == "nobody wants it"
        assert events_of(planned, world, "rebalancing.applied") == []


def test_it_never_begins(planned: ApiClient) -> None:
    planned.post(CANCEL, WHY)
    with nothing_written():
        answer = planned.post(EXECUTE, {"run_id": "r1"})
        assert refusal(answer) == (409, "E_ILLEGAL_TRANSITION")
        assert body(answer)["detail"] == "r1 was withdrawn by root: nobody wants it"
        assert execute(planned, dry_run=True)["status"] == "withdrawn"
        assert body(planned.get("/rebalancing/runs/r1/orders"))["items"] == []


def test_asked_again_it_answers_the_same(planned: ApiClient) -> None:
    first = body(planned.post(CANCEL, WHY))
    with nothing_written():
        assert body(planned.post(CANCEL, {**WHY, "reason": "another"})) == first
    assert Execution.objects.get().cancel_reason == "nobody wants it"


def test_its_worlds_are_free(planned: ApiClient) -> None:
    planned.post(CANCEL, WHY)
    apply(planned, "r2")
    assert execute(planned, "r2")["status"] == "completed"


def test_what_has_begun_is_cancelled_and_not_withdrawn(desk: ApiClient) -> None:
    apply(desk, **UP)
    desk.post("/worlds/alpha/circuit-breaker", {"engaged": True, "reason": "a test"})
    assert execute(desk)["status"] == "running"
    assert body(desk.post(CANCEL, WHY))["status"] == "cancelled"


def test_also_in_a_world_that_has_retired(planned: ApiClient) -> None:
    planned.delete("/worlds/beta?force=true")
    assert body(planned.post(CANCEL, WHY))["status"] == "withdrawn"


@pytest.mark.parametrize(("role", "status"), [("operator", 200), ("viewer", 403), ("risk", 403)])
def test_it_takes_the_operator_of_each_world(
    planned: ApiClient, someone: Any, role: str, status: int
) -> None:
    for world in ("alpha", "beta"):
        who = someone("ann", world=world, roles=[role])
    assert who.post(CANCEL, WHY).status_code == status
    assert Execution.objects.count() == (status == 200)


def test_of_a_withdrawal_and_an_execution_at_once_one_comes_first(committed: None) -> None:
    root = client_of(User.objects.create_superuser("root"))
    root.make_world("alpha", policy=None)
    bind(root, "alpha", "mom")
    for number in range(4):
        fields = {**only(after=0.5), "run_id": f"r{number}"}
        assert root.post("/rebalancing/apply", asked(**fields)).status_code == 201

    def call(path: str, number: int) -> int:
        try:
            fields = {"reason": "not now"} if path == CANCEL else {}
            return int(root.post(path, {"run_id": f"r{number}", **fields}).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        calls = [(path, number) for number in range(4) for path in (CANCEL, EXECUTE)]
        codes = list(pool.map(lambda each: call(*each), calls))
    assert set(codes) <= {200, 409, 412}
    assert Execution.objects.count() == PlanRecord.objects.count() == 4
    assert set(Execution.objects.values_list("state", flat=True)) <= {"withdrawn", "completed"}
    assert not Order.objects.filter(execution__state="withdrawn").exists()
