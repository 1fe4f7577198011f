"""Pages of allocations and rebalancings: who sees them, who may act there, and what bad input comes to."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from rebalancing.models import Allocation, Execution, PlanRecord
from tests.admin.conftest import Staff
from tests.api import ApiClient
from tests.rebalancing.conftest import asked, bind

OVERVIEW = "/admin/rebalancing/allocation/"
PLAN = f"{OVERVIEW}plan/"
PLANS = "/admin/rebalancing/planrecord/"
REASON = {"_form_submitted": "True", "reason": "agreed on Monday"}
MOVES = {"after_0": "20", "after_1": "30", "total_equity": "100000", "min_trade_notional": "0"}


@pytest.fixture
def allocated(root: ApiClient) -> ApiClient:
    """`alpha` has 30 %, `beta` 20 % of 100,000, and both hold something on paper."""
    for world, names in (("alpha", ["mom", "rev"]), ("beta", ["carry"])):
        root.make_world(world, policy=None)
        bind(root, world, *names)
    said = {
        "run_id": "a1",
        "total_equity": 100_000,
        "world_allocations": {"alpha": 0.3, "beta": 0.2},
        "positions": asked()["positions"],
    }
    assert root.post("/allocations", said).status_code == 201
    return root


def in_both(staff: Staff, role: str) -> Client:
    staff("ann", world="beta", roles=[role])
    return staff("ann", world="alpha", roles=[role])


def record(client: ApiClient, run_id: str = "r1", **fields: Any) -> str:
    assert client.post("/rebalancing/apply", asked(run_id=run_id, **fields)).status_code == 201
    return f"{PLANS}{PlanRecord.objects.get(run_id=run_id).pk}"


def test_a_viewer_sees_the_pages_and_no_doors(allocated: ApiClient, staff: Staff) -> None:
    page, viewer = record(allocated), in_both(staff, "viewer")
    for path in (
        OVERVIEW,
        f"{OVERVIEW}alpha/change/",
        f"{OVERVIEW}alpha/allocators/",
        PLANS,
        f"{page}/change/",
    ):
        answer = viewer.get(path)
        assert answer.status_code == 200, path
        assert b"Plan a rebalancing" not in answer.content
        assert b"Record a plan" not in answer.content
    assert f"{page}/execute".encode() not in viewer.get(f"{page}/change/").content
    assert viewer.get(PLAN).status_code == 403


def test_a_plan_is_seen_with_a_role_in_each_of_its_worlds(allocated: ApiClient, staff: Staff) -> None:
    page = record(allocated)
    half = staff("bob", world="alpha", roles=["operator"])
    assert b"r1" not in half.get(PLANS).content
    assert half.get(f"{page}/change/").status_code in {302, 403, 404}
    assert b"r1" in in_both(staff, "viewer").get(PLANS).content


def test_one_plans_for_the_worlds_that_one_operates(allocated: ApiClient, staff: Staff) -> None:
    operator = staff("bob", world="alpha", roles=["operator"])
    page = operator.get(PLAN).content
    assert b"after_0" in page
    assert b"after_1" not in page


def test_an_allocation_of_many_digits_is_planned_from_as_it_is(allocated: ApiClient, boss: Client) -> None:
    said = {
        "run_id": "a2",
        "total_equity": 100_000,
        "world_allocations": {"alpha": "0.123456789012345678901234567891"},
        "positions": [],
    }
    assert allocated.post("/allocations", said).status_code == 201
    shown = boss.get(PLAN).context["form"]["after_0"].initial
    assert shown == "12.3456789012345678901234567891"
    page = boss.post(PLAN, {**MOVES, "after_0": shown})
    assert not page.context["form"].errors


def test_showing_a_plan_keeps_nothing(allocated: ApiClient, boss: Client) -> None:
    answer = boss.post(PLAN, {**MOVES, "show": ""})
    assert answer.status_code == 200
    assert b"What netting saves" in answer.content
    assert not PlanRecord.objects.exists()


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"after_0": "200"}, b"less than or equal to 100"),
        ({"after_0": "90", "after_1": "90"}, b"more than 1"),
        ({"after_0": "abc"}, b"Enter a number"),
        ({"after_0": "NaN"}, b"Enter a number"),
        ({"total_equity": "0"}, b"greater than or equal to 0.01"),
        ({"record": ""}, b"kept in the audit"),
    ],
)
def test_bad_input_is_said_on_the_form(
    allocated: ApiClient, boss: Client, fields: dict[str, str], says: bytes
) -> None:
    answer = boss.post(PLAN, {**MOVES, **fields})
    assert answer.status_code == 422
    assert says in answer.content
    assert not PlanRecord.objects.exists()


def test_a_plan_is_recorded_and_executed_with_reasons(allocated: ApiClient, staff: Staff) -> None:
    operator = in_both(staff, "operator")
    answer = operator.post(PLAN, {**MOVES, "record": "", "reason": "monthly"})
    assert answer.status_code == 302
    page = answer["Location"].removesuffix("change/")
    assert (PlanRecord.objects.get().reason, PlanRecord.objects.get().actor) == ("monthly", "ann")
    operator.post(f"{page}execute/", REASON)
    assert Execution.objects.get().state == "completed"
    assert [float(row.allocation) for row in Allocation.objects.order_by("world_id")] == [0.2, 0.3]
    assert b"The positions meet the plan" in operator.get(f"{page}change/").content


def test_an_executed_plan_has_no_door_any_more(allocated: ApiClient, boss: Client) -> None:
    page = record(allocated)
    assert f"{page}/execute".encode() in boss.get(f"{page}/change/").content
    boss.post(f"{page}/execute/", REASON)
    assert f"{page}/execute".encode() not in boss.get(f"{page}/change/").content


def test_a_viewer_executes_nothing(allocated: ApiClient, staff: Staff) -> None:
    page = record(allocated)
    assert in_both(staff, "viewer").post(f"{page}/execute/", REASON).status_code in {302, 403}
    assert not Execution.objects.exists()


def test_looking_changes_nothing(allocated: ApiClient, boss: Client) -> None:
    page = record(allocated)
    for path in (f"{page}/execute/", f"{page}/change/", f"{OVERVIEW}alpha/allocators/", PLAN):
        boss.get(path)
    assert (PlanRecord.objects.count(), Execution.objects.count()) == (1, 0)


@pytest.mark.parametrize("fields", [{}, {"method": "equal"}, {"method": "magic", "reason": "because"}])
def test_an_allocator_is_chosen_with_a_reason(
    allocated: ApiClient, boss: Client, fields: dict[str, str]
) -> None:
    boss.post(f"{OVERVIEW}alpha/allocators/", fields)
    assert not PlanRecord.objects.exists()
