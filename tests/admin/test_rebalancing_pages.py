"""Pages of allocations and rebalancings: who sees them, who may act there, and what bad input comes to."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from qmtl_site.http.documents import dump
from rebalancing.admin.states import state_of
from rebalancing.models import Allocation, Execution, PlanRecord, Proposal
from rebalancing.selectors.plans import with_standing
from strategies.models import Apply
from tests.activation.acting import decided, go
from tests.admin.conftest import Staff
from tests.api import ApiClient
from tests.kept import Keep
from tests.rebalancing.conftest import asked, bind
from tests.rebalancing.executing import only
from tests.statements import counted_statements

OVERVIEW = "/admin/rebalancing/allocation/"
PLAN = f"{OVERVIEW}plan/"
PLANS = "/admin/rebalancing/planrecord/"
REASON = {"_form_submitted": "True", "reason": "agreed on Monday"}
MOVES = {"after_0": "20", "after_1": "30", "total_equity": "100000", "min_trade_notional": "0"}


@pytest.fixture(scope="module")
def worlds(keep: Keep) -> None:
    """`alpha` has 30 %, `beta` 20 % of 100,000, and both hold something on paper."""
    with keep("worlds") as root:
        allocate(root)


def allocate(api: ApiClient) -> None:
    for world, names in (("alpha", ["mom", "rev"]), ("beta", ["carry"])):
        api.make_world(world, policy=None)
        bind(api, world, *names)
    said = {
        "run_id": "a1",
        "total_equity": 100_000,
        "world_allocations": {"alpha": 0.3, "beta": 0.2},
        "positions": asked()["positions"],
    }
    assert api.post("/allocations", said).status_code == 201


@pytest.fixture
def allocated(worlds: None, root: ApiClient) -> ApiClient:
    """The API as a superuser, of those worlds."""
    return root


@pytest.fixture
def trading(allocated: ApiClient) -> ApiClient:
    """`mom` is live in `alpha`."""
    allocated.patch("/worlds/alpha", {"allow_live": True})
    decided()
    assert go("first", opens={"mom": 0.5}).phase == "completed"
    return allocated


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


def test_a_world_without_an_allocation_can_be_given_one(allocated: ApiClient, boss: Client) -> None:
    allocated.make_world("gamma", policy=None)
    assert b"it has none yet" in boss.get(PLAN).content
    given = {**MOVES, "after_0": "30", "after_1": "20", "after_2": "10"}
    answer = boss.post(PLAN, {**given, "record": "", "reason": "a third world"})
    assert answer.status_code == 302
    assert [each.world_id for each in PlanRecord.objects.get().worlds.all()] == ["gamma"]
    boss.post(answer["Location"].replace("change/", "execute/"), REASON)
    assert [float(row.allocation) for row in Allocation.objects.order_by("world_id")] == [0.3, 0.2, 0.1]


def test_a_retired_world_is_no_choice(allocated: ApiClient, boss: Client) -> None:
    allocated.delete("/worlds/beta?force=true")
    assert b"after_1" not in boss.get(PLAN).content


# --- more than there is -------------------------------------------------------------------------------------
@pytest.fixture
def exceeding(allocated: ApiClient) -> ApiClient:
    """By payloads of their own: `alpha` has 70 %, `beta` 60 %."""
    for world, share in (("alpha", "0.7"), ("beta", "0.6")):
        Allocation.objects.filter(world=world).update(allocation=share)
    return allocated


@pytest.mark.parametrize("path", [OVERVIEW, PLAN])
def test_it_is_said_that_more_is_stored_than_there_is(exceeding: ApiClient, boss: Client, path: str) -> None:
    assert b"The worlds have 130.00 % of the equity together" in boss.get(path).content


@pytest.mark.parametrize("button", ["show", "record"])
@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"after_0": "20", "after_1": "20"}, 422, "lower one of them by itself first"),
        ({"after_0": "70", "after_1": "60"}, 422, "Change the share of at least one world"),
        ({"after_0": "50", "after_1": "60"}, None, ""),
        ({"after_0": "40", "after_1": "60"}, None, ""),
    ],
)
def test_the_way_out_is_to_lower_one(
    exceeding: ApiClient, boss: Client, fields: dict[str, str], status: int | None, says: str, button: str
) -> None:
    answer = boss.post(PLAN, {**MOVES, **fields, button: "", "reason": "too much is given"})
    assert answer.status_code == (status or (302 if button == "record" else 200))
    assert says in answer.content.decode()
    assert PlanRecord.objects.count() == (status is None and button == "record")


def test_after_it_was_lowered_the_others_can_be_planned(exceeding: ApiClient, boss: Client) -> None:
    answer = boss.post(PLAN, {**MOVES, "after_0": "30", "after_1": "60", "record": "", "reason": "first"})
    boss.post(answer["Location"].replace("change/", "execute/"), REASON)
    assert float(Allocation.objects.get(world="alpha").allocation) == 0.3
    answer = boss.post(PLAN, {**MOVES, "after_0": "40", "after_1": "50", "record": "", "reason": "then"})
    assert answer.status_code == 302


# --- no positions -------------------------------------------------------------------------------------------
def untold(client: ApiClient) -> None:
    """What was traded is told by fills only."""
    record(client, "r0")
    client.post("/rebalancing/execute", {"run_id": "r0"})
    said = {
        "run_id": "a9",
        "total_equity": 100_000,
        "world_allocations": {"alpha": 0.2, "beta": 0.3},
        "positions": [],
    }
    assert client.post("/allocations", said).status_code == 201


def test_a_plan_without_positions_says_so_and_what_fills_tell(allocated: ApiClient, boss: Client) -> None:
    untold(allocated)
    shown = boss.post(PLAN, {**MOVES, "after_0": "20", "after_1": "10", "show": ""}).content.decode()
    assert "No positions were reported of beta" in shown
    assert "+1 BTC of carry in beta" in shown.replace("\n", " ")


def test_an_execution_without_positions_does_not_say_that_it_meets(
    allocated: ApiClient, boss: Client
) -> None:
    untold(allocated)
    path = record(
        allocated, "r1", positions=[], world_alloc_before={"beta": 0.3}, world_alloc_after={"beta": 0.1}
    )
    boss.post(f"{path}/execute/", REASON)
    page = boss.get(f"{path}/change/").content.decode()
    assert "The positions meet the plan" not in page
    assert "No positions were reported of beta" in page
    assert "BTC of carry in beta: 1 instead of 0.33333333" in page


def test_where_nothing_was_held_it_says_that_nothing_was_told(allocated: ApiClient, boss: Client) -> None:
    allocated.make_world("gamma", policy=None)
    wanted = {"world_alloc_before": {"gamma": 0.1}, "world_alloc_after": {"gamma": 0.2}, "positions": []}
    path = record(allocated, "r1", **wanted)
    boss.post(f"{path}/execute/", REASON)
    page = boss.get(f"{path}/change/").content.decode()
    assert "No positions were reported" in page
    assert "The positions meet the plan" not in page


def test_a_completed_execution_tells_of_other_positions_that_were_told_since(
    allocated: ApiClient, boss: Client
) -> None:
    untold(allocated)
    page = boss.get(f"{PLANS}{PlanRecord.objects.get().pk}/change/").content.decode()
    assert "Other positions were told since" in page
    assert "beta holds nothing, says a9" in " ".join(page.split())


# --- withdrawing --------------------------------------------------------------------------------------------
def test_a_plan_is_withdrawn_with_a_reason(allocated: ApiClient, staff: Staff) -> None:
    page, operator = record(allocated), in_both(staff, "operator")
    assert f"{page}/withdraw".encode() in operator.get(f"{page}/change/").content
    assert operator.post(f"{page}/withdraw/", {"_form_submitted": "True", "reason": ""}).status_code == 200
    assert not Execution.objects.exists()
    operator.post(f"{page}/withdraw/", REASON)
    assert (Execution.objects.get().state, Execution.objects.get().cancelled_by) == ("withdrawn", "ann")
    shown = operator.get(f"{page}/change/").content.decode()
    assert "It was withdrawn" in shown
    assert "agreed on Monday" in shown
    assert not any(f"{page}/{door}" in shown for door in ("execute", "withdraw", "cancel"))
    assert "withdrawn" in operator.get(PLANS).content.decode()


def test_what_has_begun_meanwhile_is_not_ended_by_a_withdrawal(allocated: ApiClient, boss: Client) -> None:
    page = record(allocated)
    allocated.post("/worlds/beta/circuit-breaker", {"engaged": True, "reason": "a test"})
    allocated.post("/rebalancing/execute", {"run_id": "r1"})
    assert f"{page}/withdraw".encode() not in boss.get(f"{page}/change/").content
    answer = boss.post(f"{page}/withdraw/", REASON, follow=True)
    assert b"has begun meanwhile" in answer.content
    assert Execution.objects.get().state == "running"


def test_a_viewer_withdraws_nothing(allocated: ApiClient, staff: Staff) -> None:
    page = record(allocated)
    assert in_both(staff, "viewer").post(f"{page}/withdraw/", REASON).status_code in {302, 403}
    assert not Execution.objects.exists()


# --- outdated -----------------------------------------------------------------------------------------------
def shown_state(client: Client, run_id: str = "r1") -> str:
    found: str = state_of(with_standing(PlanRecord.objects.filter(run_id=run_id)).get())
    assert found in client.get(PLANS).content.decode()
    others = {"planned", "outdated", "running"} - {found}
    assert run_id in listed(client, found)
    assert not any(run_id in listed(client, other) for other in others)
    return found


def listed(client: Client, state: str) -> list[str]:
    """Run ids of the plans that the list's filter gives for a state."""
    rows = client.get(PLANS, {"state": state}).context["cl"].result_list
    return [row.run_id for row in rows]


def test_a_plan_is_outdated_when_another_allocation_was_said_since(
    allocated: ApiClient, boss: Client
) -> None:
    record(allocated)
    assert shown_state(boss) == "planned"
    said = {"run_id": "a2", "total_equity": 1000, "positions": [], "world_allocations": {"alpha": 0.2}}
    assert allocated.post("/allocations", said).status_code == 201
    assert shown_state(boss) == "outdated"


def test_a_plan_is_outdated_when_another_has_traded_in_its_worlds(allocated: ApiClient, boss: Client) -> None:
    page = record(allocated)
    assert shown_state(boss) == "planned"
    record(allocated, "r2", world_alloc_after={"alpha": 0.3, "beta": 0.3})
    allocated.post("/worlds/alpha/circuit-breaker", {"engaged": True, "reason": "a test"})
    record(allocated, "r3")
    allocated.post("/rebalancing/execute", {"run_id": "r3"})
    allocated.post("/rebalancing/cancel", {"run_id": "r3", "reason": "a test"})
    assert shown_state(boss) == "outdated"
    assert f"{page}/execute".encode() not in boss.get(f"{page}/change/").content
    assert f"{page}/withdraw".encode() in boss.get(f"{page}/change/").content


def test_a_plan_is_outdated_when_others_went_live_since(trading: ApiClient, boss: Client) -> None:
    """It may be executed still: who does it has to know."""
    page = record(trading, **only(after=0.4))
    assert shown_state(boss) == "planned"
    assert go("second", opens={"rev": 0.25}).phase == "completed"
    # The database's clock stands still in a test's transaction.
    Apply.objects.filter(run_id="second").update(settled_at=timezone.now())
    assert shown_state(boss) == "outdated"
    shown = boss.get(f"{page}/change/").content.decode()
    assert "Others are live since" in shown
    assert f"{page}/execute" in shown


def test_lists_take_as_many_statements_however_many_plans_there_are(
    allocated: ApiClient, boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    seen = counted_statements(monkeypatch)
    for number in range(3):
        record(allocated, f"r{number}")
        boss.get(PLANS)
        seen.clear()
        boss.get(PLANS)
        counts.append(len(seen))
    assert counts[1] == counts[2]


# --- who an order is for ------------------------------------------------------------------------------------
def test_the_orders_of_a_shared_account_name_their_worlds(allocated: ApiClient, boss: Client) -> None:
    page = record(allocated, shared_account=True)
    shown = boss.get(f"{page}/change/").content.decode()
    assert "alpha, beta" in shown
    assert "alpha/mom −1" in shown
    assert "beta/carry +1" in shown


def test_proposals_tell_their_turnover(allocated: ApiClient, boss: Client) -> None:
    document = {"cost_estimate": {"order_turnover": 12345.5}}
    told = {"request": "{}", "answer": dump(document).decode(), "created_at": timezone.now()}
    Proposal(world_id="alpha", origin="promotion", cause="apply-1", **told).save()
    assert "12,345.50" in boss.get("/admin/rebalancing/proposal/").content.decode()


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
