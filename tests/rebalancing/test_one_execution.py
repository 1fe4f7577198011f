"""One execution at a time trades in a world: of two plans from one start no difference is traded twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from rebalancing.models import Execution, ExecutionWorld, Order, PlanRecord
from strategies.models import Fill
from tests.activation.acting import breaker, decided, go
from tests.api import ApiClient, body
from tests.conftest import client_of
from tests.problem import nothing_written, refusal
from tests.rebalancing.conftest import asked, bind, position
from tests.rebalancing.executing import EXECUTE, apply, execute, only, register
from tests.rebalancing.test_allocations import said

CANCEL = "/rebalancing/cancel"
UP = {"world_alloc_before": {"alpha": 0.2, "beta": 0.3}, "world_alloc_after": {"alpha": 0.3, "beta": 0.2}}


def half_done(client: ApiClient) -> None:
    """r1 and r2 are the same; r1 has reduced in `beta`, and waits with what opens in `alpha`, which is halted."""
    for run_id in ("r1", "r2"):
        apply(client, run_id, **UP)
    breaker(client, engaged=True)
    assert execute(client, "r1")["status"] == "running"
    breaker(client, engaged=False)


def test_a_second_plan_is_refused_while_the_first_one_is_executed(desk: ApiClient) -> None:
    half_done(desk)
    with nothing_written():
        answer = desk.post(EXECUTE, {"run_id": "r2"})
    assert (refusal(answer), body(answer)["run_id"]) == ((409, "E_APPLY_IN_PROGRESS"), "r1")
    assert execute(desk, "r1")["status"] == "completed"
    assert refusal(desk.post(EXECUTE, {"run_id": "r2"})) == (412, "E_PRECONDITION")


def test_a_live_plan_is_refused_while_a_runner_has_orders_of_another_one(trading: ApiClient) -> None:
    register(trading)
    for run_id in ("r1", "r2"):
        apply(trading, run_id, **only(after=1.0))
    assert execute(trading, "r1")["orders"][0]["status"] == "handed"
    with nothing_written():
        assert refusal(trading.post(EXECUTE, {"run_id": "r2"})) == (409, "E_APPLY_IN_PROGRESS")


def test_a_plan_that_shares_one_world_with_an_execution_waits_too(desk: ApiClient) -> None:
    half_done(desk)
    apply(desk, "r3", world_alloc_before={"beta": 0.2}, world_alloc_after={"beta": 0.1},
          positions=[position("beta", "carry", "BTC", 2, 10_000)])  # fmt: skip
    assert refusal(desk.post(EXECUTE, {"run_id": "r3"})) == (409, "E_APPLY_IN_PROGRESS")


def test_nobody_says_what_a_world_has_while_it_is_rebalanced(desk: ApiClient) -> None:
    half_done(desk)
    for more in ({}, {"execute": True}):
        with nothing_written():
            assert refusal(desk.post("/allocations", said(run_id="a1", **more))) == (
                409,
                "E_APPLY_IN_PROGRESS",
            )
    execute(desk, "r1")
    assert desk.post("/allocations", said(run_id="a1")).status_code == 201


def test_a_plan_from_before_a_cancelled_execution_that_traded_is_not_executed(desk: ApiClient) -> None:
    """Allocations are as they were; positions are not."""
    half_done(desk)
    desk.post(CANCEL, {"run_id": "r1", "reason": "not now"})
    with nothing_written():
        assert refusal(desk.post(EXECUTE, {"run_id": "r2"})) == (412, "E_PRECONDITION")
    apply(desk, "r3", **UP)
    assert execute(desk, "r3")["status"] == "completed"


def test_a_plan_from_before_an_execution_that_traded_nothing_is_executed(desk: ApiClient) -> None:
    apply(desk, "r1", world_alloc_after={"alpha": 0.3, "beta": 0.2})
    apply(desk, "r2")
    execute(desk, "r1")
    desk.post("/allocations", said(run_id="a1"))
    apply(desk, "r3")
    assert execute(desk, "r3")["status"] == "completed"


@pytest.mark.parametrize("live", [False, True], ids=["paper", "live"])
def test_of_many_plans_at_once_one_begins(committed: None, live: bool) -> None:
    root = client_of(User.objects.create_superuser("root"))
    root.make_world("alpha", policy=None)
    bind(root, "alpha", "mom")
    if live:
        root.patch("/worlds/alpha", {"allow_live": True})
        decided()
        assert go("first", opens={"mom": 0.5}).phase == "completed"
        register(root)
    for number in range(4):
        apply(root, f"r{number}", **only(after=1.0))

    def begin(number: int) -> int:
        try:
            return int(root.post(EXECUTE, {"run_id": f"r{number}"}).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        codes = sorted(pool.map(begin, range(4)))
    assert codes == ([200, 409, 409, 409] if live else [200, 412, 412, 412])
    assert (Execution.objects.count(), Order.objects.count(), Fill.objects.count()) == (1, 1, int(not live))


def test_the_database_lets_no_second_execution_into_a_world(desk: ApiClient) -> None:
    half_done(desk)
    now = timezone.now()
    second = Execution.objects.create(
        plan=PlanRecord.objects.get(run_id="r2"), actor="x", started_at=now, updated_at=now
    )
    with pytest.raises(IntegrityError, match="one_open_execution_per_world"), transaction.atomic():
        ExecutionWorld.objects.create(execution=second, world_id="alpha")


def test_a_rehearsal_beside_an_execution_shows_its_orders(desk: ApiClient) -> None:
    half_done(desk)
    assert execute(desk, "r2", dry_run=True)["status"] == "planned"


def test_the_same_plan_asked_for_many_times_at_once_trades_once(committed: None) -> None:
    root = client_of(User.objects.create_superuser("root"))
    for world, name in (("alpha", ["mom", "rev"]), ("beta", ["carry"])):
        root.make_world(world, policy=None)
        bind(root, world, *name)
    assert root.post("/rebalancing/apply", asked(run_id="r1")).status_code == 201

    def begin(_: int) -> Any:
        try:
            return body(root.post(EXECUTE, {"run_id": "r1"}))["status"]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(begin, range(4))) == {"completed"}
    assert Fill.objects.count() == 3
