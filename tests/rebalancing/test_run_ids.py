"""A run id names one thing for all time, and an execution starts where its plan did."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from rebalancing.models import AllocationRecord
from tests.api import ApiClient, body
from tests.conftest import client_of
from tests.problem import nothing_written, refusal
from tests.rebalancing.conftest import asked, bind
from tests.rebalancing.test_allocations import said

ALLOCATIONS, APPLY, EXECUTE = "/allocations", "/rebalancing/apply", "/rebalancing/execute"


@pytest.mark.parametrize("first", [ALLOCATIONS, APPLY])
def test_a_run_plans_or_allocates(desk: ApiClient, first: str) -> None:
    payloads = {ALLOCATIONS: said(run_id="r1"), APPLY: asked(run_id="r1")}
    assert desk.post(first, payloads.pop(first)).status_code == 201
    ((second, payload),) = payloads.items()
    with nothing_written():
        assert refusal(desk.post(second, payload)) == (409, "E_RUN_CONFLICT")


def test_of_two_plans_with_one_start_one_is_executed(desk: ApiClient) -> None:
    for run_id in ("r1", "r2"):
        assert desk.post(APPLY, asked(run_id=run_id)).status_code == 201
    assert desk.post(EXECUTE, {"run_id": "r1"}).status_code == 200
    with nothing_written():
        assert refusal(desk.post(EXECUTE, {"run_id": "r2"})) == (412, "E_PRECONDITION")
        assert body(desk.post(EXECUTE, {"run_id": "r1"}))["status"] == "completed"


def test_a_plan_is_not_executed_once_another_allocation_was_said(desk: ApiClient) -> None:
    desk.post(ALLOCATIONS, said(run_id="a1"))
    desk.post(APPLY, asked(run_id="r1"))
    desk.post(ALLOCATIONS, said(run_id="a2"))
    now = body(desk.get(ALLOCATIONS))["allocations"]["alpha"]["etag"]
    answer = desk.post(EXECUTE, {"run_id": "r1"})
    assert (refusal(answer), body(answer)["current_etags"]["alpha"]) == ((412, "E_PRECONDITION"), now)


def test_a_run_that_is_sent_many_times_at_once_over_other_worlds_is_one(committed: None) -> None:
    root = client_of(User.objects.create_superuser("root"))
    worlds = [f"w{number}" for number in range(6)]
    for world in worlds:
        root.make_world(world, policy=None)

    def send(world: str) -> int:
        try:
            payload = said(run_id="one", world_allocations={world: 0.1}, positions=[])
            return int(root.post(ALLOCATIONS, payload).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        codes = sorted(pool.map(send, worlds))
    assert codes == [201, *[409] * 5]
    assert AllocationRecord.objects.filter(run_id="one").count() == 1


def test_strategies_keep_their_part_of_what_their_world_gets(desk: ApiClient) -> None:
    bind(desk, "alpha", "third")
    first: dict[str, Any] = said(strategy_alloc_after_total={"alpha": {"mom": 0.3}})
    desk.post(ALLOCATIONS, first)
    fractions = {"world_alloc_before": {"alpha": 0.01, "beta": 0.2}, "positions": []}
    desk.post(APPLY, asked(run_id="r1", **fractions))
    assert desk.post(EXECUTE, {"run_id": "r1"}).status_code == 200
    now = body(desk.get(ALLOCATIONS))["allocations"]["alpha"]
    assert (now["allocation"], now["strategy_alloc_total"]) == (0.2, {"mom": 0.2})


def test_the_fractions_before_that_a_plan_tells_are_what_its_world_is_divided_by(desk: ApiClient) -> None:
    desk.post(ALLOCATIONS, said(strategy_alloc_after_total={"alpha": {"mom": 0.3}}))
    before = {"alpha": {"mom": 0.1, "rev": 0.05}}
    desk.post(APPLY, asked(run_id="r1", strategy_alloc_before_total=before, positions=[]))
    desk.post(EXECUTE, {"run_id": "r1"})
    now = body(desk.get(ALLOCATIONS))["allocations"]["alpha"]["strategy_alloc_total"]
    assert now == pytest.approx({"mom": 0.2 / 3, "rev": 0.1 / 3})
