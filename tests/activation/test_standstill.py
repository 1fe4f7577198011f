"""Worlds that stand still, commands that wait for them, and how gates come back: never by themselves."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from strategies.models import Activation, Binding, QueuedCommand
from tests.activation.acting import (
    asked,
    breaker,
    decided,
    drive,
    gate,
    go,
    open_gates,
    phase_of,
    put,
    state,
    step,
    told,
    work,
)
from tests.activation.conftest import Papers
from tests.api import ApiClient, body
from tests.decisions.conftest import DECIDES
from tests.problem import refusal
from worlds.models import World

AUTO = {**DECIDES, "governance": {"live_promotion": {"mode": "auto_apply"}}}


def command(client: ApiClient, verb: str, name: str = "a", **fields: Any) -> Any:
    return client.post(f"/strategies/{name}/{verb}", {"world_id": "alpha", "reason": "a test", **fields})


STANDSTILLS: dict[str, Any] = {
    "paused": lambda client: state(client, "PAUSED"),
    "restricted": lambda client: state(client, "EVALUATION_ONLY"),
    "halted": lambda client: breaker(client, engaged=True),
    "forbidden": lambda client: client.patch("/worlds/alpha", {"allow_live": False}),
}


@pytest.mark.parametrize("change", STANDSTILLS.values(), ids=STANDSTILLS)
def test_a_standstill_closes_every_gate_with_its_own_transaction(live: ApiClient, change: Any) -> None:
    go("second", opens={"b": 0.5})
    count = len(told(live))
    assert change(live).status_code == 200
    assert not Activation.objects.filter(active=True).exists()
    closings = told(live)[count:]
    assert [(each["strategy_id"], each["active"], each["drain"]) for each in closings] == [
        ("a", False, True),
        ("b", False, True),
    ]
    assert len({tuple(each["epoch"]) for each in closings}) == 1
    assert Binding.objects.filter(state="live").count() == 2


@pytest.mark.parametrize("back", ["resume", "reset"])
def test_coming_back_opens_nothing_by_itself(live: ApiClient, back: str) -> None:
    if back == "resume":
        state(live, "PAUSED")
        state(live, "ACTIVE")
    else:
        breaker(live, engaged=True)
        breaker(live, engaged=False)
    assert open_gates(live) == []
    assert World.objects.get().next_evaluation_at is not None


def test_retiring_wants_no_live_strategy_or_a_word_of_force(live: ApiClient) -> None:
    assert refusal(live.delete("/worlds/alpha?reason=over")) == (409, "E_WORLD_HAS_LIVE")
    assert open_gates(live) == ["a"]
    assert live.delete("/worlds/alpha?reason=over&force=true").status_code == 200
    assert set(Binding.objects.values_list("state", flat=True)) == {"archived"}
    assert told(live)[-1]["active"] is False


# --- coming back ------------------------------------------------------------------------------------------
def reopening(world: ApiClient, papers: Papers, policy: Any) -> str:
    """`a` is live, the breaker was engaged and reset; the id of the decision that was made since."""
    papers("a")
    go("first", opens={"a": 0.5})
    world.post("/worlds/alpha/policy", policy)
    breaker(world, engaged=True)
    breaker(world, engaged=False)
    decision = body(world.post("/worlds/alpha/evaluate", {}))
    assert (decision["plan"]["reopen"], open_gates(world)) == (["a"], [])
    return str(decision["decision_id"])


def test_under_manual_approval_a_person_opens_again(world: ApiClient, papers: Papers) -> None:
    decision = reopening(world, papers, DECIDES)
    work()
    assert open_gates(world) == []
    answer = world.post("/worlds/alpha/apply", {"run_id": "again", "decision_id": decision})
    assert answer.status_code == 202
    work()
    assert (open_gates(world), gate(world)["weight"], phase_of("again")) == (["a"], 1.0, "completed")
    assert Binding.objects.get().state == "live"


def test_under_auto_apply_the_decision_opens_again(world: ApiClient, papers: Papers) -> None:
    decision = reopening(world, papers, AUTO)
    work()
    assert (open_gates(world), phase_of(f"decision-{decision}")) == (["a"], "completed")


def test_a_decision_that_found_the_breaker_engaged_reopens_nobody(world: ApiClient, papers: Papers) -> None:
    papers("a")
    go("first", opens={"a": 0.5})
    breaker(world, engaged=True)
    assert body(world.post("/worlds/alpha/evaluate", {}))["plan"]["reopen"] == []


# --- commands by hand -------------------------------------------------------------------------------------
def test_activating_by_hand_goes_through_an_apply_and_warns(world: ApiClient, papers: Papers) -> None:
    papers("a")
    answer = command(world, "activate")
    told = body(answer)
    assert (answer.status_code, told["status"], told["state"]) == (202, "applying", "dry_run")
    assert "next evaluation" in told["warning"]
    work()
    assert (open_gates(world), phase_of(told["run_id"])) == (["a"], "completed")
    assert refusal(command(world, "activate")) == (409, "E_ALREADY_LIVE")


def test_deactivating_by_hand_closes_at_once(live: ApiClient) -> None:
    told = body(command(live, "deactivate"))
    assert (told["status"], told["state"], open_gates(live)) == ("applying", "inactive", [])
    work()
    assert phase_of(told["run_id"]) == "completed"


def test_who_is_inactive_starts_on_paper(live: ApiClient) -> None:
    assert body(command(live, "deactivate", "b"))["state"] == "inactive"
    answer = command(live, "activate", "b")
    assert (answer.status_code, body(answer)["status"], body(answer)["state"]) == (200, "done", "dry_run")
    assert refusal(command(live, "deactivate", "nobody")) == (404, "E_NOT_FOUND")


def test_by_hand_the_same_is_refused_as_by_a_plan(world: ApiClient, papers: Papers) -> None:
    papers("a", mean=-0.002)
    assert refusal(command(world, "activate")) == (409, "E_ILLEGAL_TRANSITION")
    breaker(world, engaged=True)
    assert refusal(command(world, "activate")) == (409, "E_BREAKER_ENGAGED")


def test_only_operators_command(live: ApiClient, someone: Any) -> None:
    assert refusal(command(someone("sam", world="alpha", roles=["risk"]), "deactivate")) == (
        403,
        "E_FORBIDDEN",
    )
    assert refusal(command(someone("nobody"), "deactivate")) == (404, "E_NOT_FOUND")
    assert refusal(command(live, "deactivate", reason="")) == (422, "E_VALIDATION")
    assert open_gates(live) == ["a"]


def test_in_high_tier_the_owner_does_not_send_his_own_strategy_live(
    world: ApiClient, papers: Papers, someone: Any
) -> None:
    papers("a")
    other = someone("otto", world="alpha", roles=["owner"])  # who allowed live trading does not
    other.post("/worlds/alpha/policy", {**DECIDES, "risk_profile": {"tier": "high"}})
    decided()
    assert refusal(command(world, "activate")) == (409, "E_FOUR_EYES")
    plan = {"run_id": "mine", "plan": {"activate": ["a"]}}
    assert refusal(world.post("/worlds/alpha/apply", plan)) == (409, "E_FOUR_EYES")
    assert command(someone("olga", world="alpha", roles=["operator"]), "activate").status_code == 202


# --- commands that wait -----------------------------------------------------------------------------------
def outcomes() -> list[tuple[str, str, str]]:
    rows = QueuedCommand.objects.order_by("id")
    return [(row.strategy_id, row.command, row.outcome.partition(":")[0]) for row in rows]


def test_commands_of_a_paused_world_run_in_order_on_its_resume(live: ApiClient) -> None:
    state(live, "PAUSED")
    for verb, name in [("deactivate", "b"), ("activate", "b"), ("activate", "a"), ("deactivate", "c")]:
        answer = command(live, verb, name)
        assert (answer.status_code, body(answer)["status"]) == (202, "queued")
    work()
    assert {outcome for *_, outcome in outcomes()} == {""}
    state(live, "ACTIVE")
    work()
    assert outcomes() == [
        ("b", "deactivate", "done"),
        ("b", "activate", "done"),
        ("a", "activate", "E_ALREADY_LIVE"),
        ("c", "deactivate", "done"),
    ]


def test_they_wait_for_the_resume_also_where_it_comes_by_evaluation_only(live: ApiClient) -> None:
    state(live, "PAUSED")
    command(live, "deactivate", "b")
    state(live, "EVALUATION_ONLY")
    work()
    assert outcomes() == [("b", "deactivate", "")]
    state(live, "ACTIVE")
    work()
    assert outcomes() == [("b", "deactivate", "done")]


def test_each_waits_for_the_apply_of_the_one_before(world: ApiClient, papers: Papers) -> None:
    papers("a", "b")
    state(world, "PAUSED")
    for name in ("a", "b"):
        command(world, "activate", name)
    state(world, "ACTIVE")
    work()
    assert (outcomes(), open_gates(world)) == (
        [("a", "activate", "applying"), ("b", "activate", "applying")],
        ["a", "b"],
    )


def test_paused_again_they_wait_again(live: ApiClient) -> None:
    """And whoever looks after them does not look for ever."""
    state(live, "PAUSED")
    command(live, "deactivate", "b")
    state(live, "ACTIVE")
    state(live, "PAUSED")
    work()
    assert outcomes() == [("b", "deactivate", "")]
    state(live, "ACTIVE")
    work()
    assert outcomes() == [("b", "deactivate", "done")]


def test_who_has_lost_the_role_is_not_obeyed_any_more(live: ApiClient, someone: Any) -> None:
    olga = someone("olga", world="alpha", roles=["operator"])
    state(live, "PAUSED")
    command(olga, "deactivate", "b")
    User.objects.get(username="olga").world_roles.all().delete()
    state(live, "ACTIVE")
    work()
    assert outcomes() == [("b", "deactivate", "E_FORBIDDEN")]
    assert Binding.objects.get(strategy_id="b").state == "dry_run"


# --- in the middle ----------------------------------------------------------------------------------------
def test_a_gate_that_was_closed_between_switch_and_opening_stays_closed(gates: ApiClient) -> None:
    apply = step(step(asked("one", opens={"a": 0.5, "b": 0.5})))
    put(gates, "a", active=False)
    assert (drive(apply).phase, open_gates(gates)) == ("completed", ["b"])
