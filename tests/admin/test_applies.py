"""Applies as steps; commands by hand that begin them, and those that wait."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from strategies import services as strategies
from strategies.domain.plans import Closing, Opening
from strategies.models import Apply, Binding, QueuedCommand
from strategies.selectors import apply_document
from tests.admin.conftest import Staff, told
from tests.admin.trading import (
    ACTOR,
    GATES,
    REASON,
    acknowledge,
    apply_url,
    binding_url,
    drive,
    go_live,
    hold,
    leave,
    make_trading,
    request,
)
from tests.api import ApiClient
from tests.kept import Keep

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def trading(keep: Keep) -> str:
    """`a`, `b` and `c` are in dry run in a world that may trade."""
    with keep("trading") as root:
        make_trading(root)
    return "alpha"


def steps(page: Any) -> dict[str, str]:
    return {step["name"]: step["state"] for step in page.context["steps"]}


def answers(page: Any) -> dict[str, list[str]]:
    return {
        row["client"].client_id: [each["says"] for each in row["answers"]] for row in page.context["asked"]
    }


# --- the steps --------------------------------------------------------------------------------------------
def test_an_apply_that_was_asked_for_is_at_its_first_step(boss: Client, trading: str) -> None:
    page = boss.get(apply_url(request(openings=[Opening("a", 0.5)])))
    assert steps(page) == {
        "requested": "now",
        "freeze": "ahead",
        "switch": "ahead",
        "unfreeze": "ahead",
        "completed": "ahead",
    }
    assert 'hx-trigger="every 1s"' in page.content.decode()


def test_who_is_waited_for_and_until_when(boss: Client, root: ApiClient, trading: str) -> None:
    hold(root, "runner-1", "a")
    apply = drive(request(openings=[Opening("a", 0.5)]))
    page = boss.get(apply_url(apply))
    assert steps(page)["freeze"] == "now"
    assert answers(page) == {"runner-1": ["waited for", ""]}
    assert page.context["openings"][0]["standing"] == "frozen"
    assert apply.deadline is not None
    assert f"{apply.deadline:%H:%M:%S}" in page.content.decode()
    assert "An apply is in flight: freeze" in boss.get(GATES).content.decode()


def test_who_has_acknowledged_and_after_how_long(boss: Client, root: ApiClient, trading: str) -> None:
    lease, other = hold(root, "runner-1", "a"), hold(root, "runner-2", "a")
    apply = drive(request(openings=[Opening("a", 0.5)]))
    acknowledge(root, apply, lease)
    assert answers(boss.get(apply_url(apply))) == {
        "runner-1": ["acknowledged", ""],
        "runner-2": ["waited for", ""],
    }
    acknowledge(root, apply, other)
    page = boss.get(apply_url(drive(apply)))
    assert steps(page)["unfreeze"] == "now"
    assert answers(page) == {
        "runner-1": ["acknowledged", "waited for"],
        "runner-2": ["acknowledged", "waited for"],
    }
    assert "ms" in page.context["asked"][0]["answers"][0]["after"]


def test_one_who_answered_an_earlier_apply_is_waited_for_in_the_next(root: ApiClient, trading: str) -> None:
    """An acknowledgement of this apply's freeze and one of another's unfreeze are not one of this one's unfreeze."""
    lease = hold(root, "runner-1", "a", "b")
    first = drive(request("one", openings=[Opening("a", 0.5)]))
    for _ in range(2):
        acknowledge(root, first, lease)
        drive(first)
    second = drive(request("two", openings=[Opening("b", 0.5)]))
    acknowledge(root, second, lease)
    assert apply_document(drive(second))["waiting_for"] == ["runner-1"]


def test_a_completed_apply_shows_times_and_refreshes_no_more(boss: Client, trading: str) -> None:
    page = boss.get(apply_url(go_live("a", "b")))
    assert set(steps(page).values()) == {"done"}
    assert all(step["at"] for step in page.context["steps"])
    assert "every 1s" not in page.content.decode()
    assert "there was nobody to wait for" in page.content.decode()
    assert [(line["strategy"], line["does"], line["standing"]) for line in page.context["openings"]] == [
        ("a", "goes live", "open"),
        ("b", "goes live", "open"),
    ]


def test_a_rolled_back_apply_says_why_and_who_was_silent(boss: Client, root: ApiClient, trading: str) -> None:
    go_live("b", run_id="first")
    hold(root, "runner-1", "a")
    plan = {"openings": [Opening("a", 0.5)], "closings": [Closing("b")], "freeze_timeout_ms": 0}
    page = boss.get(apply_url(drive(request("two", **plan))))
    assert steps(page) == {"requested": "done", "freeze": "done", "rolled_back": "undone"}
    text = page.content.decode()
    assert "Rolled back: what it was to open is not open" in text
    assert "silent until the freeze timed out" in text
    assert answers(page) == {"runner-1": ["silent", ""]}
    assert [line["standing"] for line in page.context["openings"] + page.context["closings"]] == [
        "closed",
        "closed",
    ]


def test_an_apply_that_nobody_drives_is_said_so(boss: Client, trading: str) -> None:
    apply = request(openings=[Opening("a", 0.5)])
    assert "Nobody drives it" not in boss.get(apply_url(apply)).content.decode()
    Apply.objects.update(phase_since="2020-01-01T00:00:00Z")
    assert "Nobody drives it" in boss.get(apply_url(apply)).content.decode()


def test_an_apply_is_read_only(boss: Client, trading: str) -> None:
    apply = request(openings=[Opening("a", 0.5)])
    assert boss.post(apply_url(apply), REASON).status_code == 403
    assert boss.get(apply_url(apply)).context["actions_detail"] == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"one", "two"}),
        ("world=alpha", {"one", "two"}),
        ("world=beta", set()),
        ("phase=completed", {"one"}),
        ("phase=requested", {"two"}),
        ("q=tw", {"two"}),
    ],
)
def test_the_list_is_filtered(boss: Client, trading: str, query: str, found: set[str]) -> None:
    go_live("a", run_id="one")
    request("two", openings=[Opening("b", 0.5)])
    applies = boss.get(f"/admin/strategies/apply/?{query}").context["cl"].queryset
    assert {apply.run_id for apply in applies} == found


def test_more_clients_cost_no_more_queries(boss: Client, root: ApiClient, trading: str) -> None:
    hold(root, "runner-1", "a")
    apply = drive(request(openings=[Opening("a", 0.3), Opening("b", 0.3)]))
    with CaptureQueriesContext(connection) as few:
        boss.get(apply_url(apply))
    for number in range(2, 5):
        hold(root, f"runner-{number}", "a", "b")
    with CaptureQueriesContext(connection) as many:
        boss.get(apply_url(apply))
    assert len(many) <= len(few) <= 14


def test_the_overview_tells_of_applies_in_flight(boss: Client, staff: Staff, trading: str) -> None:
    apply = request(openings=[Opening("a", 0.5)])
    concerns = {concern.title: concern.links for concern in boss.get("/admin/").context["concerns"]}
    assert concerns["Applies in flight"] == [("alpha: requested", apply_url(apply))]
    assert staff("nobody").get("/admin/").context["concerns"] == []


# --- commands by hand -------------------------------------------------------------------------------------
def test_a_strategy_is_stopped_and_started_by_hand(staff: Staff, trading: str) -> None:
    client = staff("olga", roles=["operator"])
    assert "may undo this" in client.get(binding_url("a", "deactivate")).content.decode()
    page = client.post(binding_url("a", "deactivate"), REASON, follow=True)
    assert told(page) == [
        "a is now inactive in alpha. The next evaluation of the world decides anew and may undo this."
    ]
    page = client.post(binding_url("a", "activate"), REASON, follow=True)
    assert told(page)[0].startswith("a is now dry run in alpha.")


def test_a_live_strategy_leaves_by_an_apply_that_is_shown(boss: Client, trading: str) -> None:
    go_live("a")
    dialog = boss.get(binding_url("a", "deactivate")).content.decode()
    assert "The gate of a closes at once and for good" in dialog
    page = boss.post(binding_url("a", "deactivate"), REASON, follow=True)
    apply = Apply.objects.latest("id")
    assert page.redirect_chain[-1][0] == apply_url(apply)
    assert Binding.objects.get(strategy="a").state == "inactive"


def test_going_live_by_hand_obeys_the_paper_run_in_words(boss: Client, trading: str) -> None:
    page = boss.post(binding_url("a", "activate"), REASON, follow=True)
    assert "has no judged paper run" in told(page)[0]
    assert not Apply.objects.exists()


PATHS: dict[str, tuple[list[str], set[str]]] = {
    "submitted": ([], set()),
    "rejected": (["reject"], set()),
    "dry run": (["start_validation", "start_dry_run"], {"activate", "deactivate"}),
    "live": (["start_validation", "start_dry_run", "promote"], {"deactivate"}),
    "inactive": (["start_validation", "start_dry_run", "deactivate"], {"activate"}),
    "archived": (["archive"], set()),
}


@pytest.mark.parametrize("state", PATHS)
def test_each_state_has_its_doors(boss: Client, root: ApiClient, state: str) -> None:
    moves, doors = PATHS[state]
    root.make_world("alpha")
    root.make_strategy("new")
    root.post("/worlds/alpha/bindings", {"strategies": ["new"]})
    row = Binding.objects.get()
    for by in moves:
        strategies.move_binding(binding=row, by=by, reason="test", actor=ACTOR)
    page = boss.get(binding_url("new"))
    assert {door["path"].split("/")[-2] for door in page.context["actions_detail"]} == doors


@pytest.mark.parametrize("door", ["activate", "deactivate"])
@pytest.mark.parametrize("role", ["viewer", "submitter", "risk", "runner"])
def test_who_may_not_command_sees_no_door_and_acts_in_vain(
    staff: Staff, trading: str, role: str, door: str
) -> None:
    client = staff("ann", roles=[role])
    assert client.get(binding_url("a")).context["actions_detail"] == []
    assert client.post(binding_url("a", door), REASON).status_code == 403
    assert Binding.objects.get(strategy="a").state == "dry_run"


def test_commands_of_a_paused_world_wait_where_one_sees_them(
    boss: Client, root: ApiClient, trading: str
) -> None:
    root.post("/worlds/alpha/state", {"state": "PAUSED", "reason": "maintenance"})
    assert "The world is paused" in boss.get(binding_url("a", "deactivate")).content.decode()
    page = boss.post(binding_url("a", "deactivate"), REASON, follow=True)
    assert "alpha is paused: the command about a waits until it resumes" in told(page)[0]
    assert QueuedCommand.objects.get().done_at is None
    for url in (binding_url("a"), GATES, "/admin/strategies/queuedcommand/?world=alpha&state=waits"):
        assert "deactivate a" in boss.get(url).content.decode(), url
    assert "Waiting commands" in boss.get("/admin/worlds/world/alpha/change/").content.decode()


def test_a_binding_shows_its_gate(boss: Client, trading: str) -> None:
    assert "Its gate" not in boss.get(binding_url("a")).content.decode()
    go_live("a")
    assert "Its gate" in boss.get(binding_url("a")).content.decode()
    leave("a")
    assert "the strategy is not live (dry run)" in boss.get(binding_url("a")).content.decode().lower()
