"""What follows by itself: approvals, decisions and the ends of applies lead to applies; runs move with them."""

from __future__ import annotations

from typing import Any

import pytest

from evaluation.models import Decision, EvaluationRun, Promotion
from evaluation.services import follow_approvals, follow_decision
from strategies.models import Apply, Binding
from tests.activation.acting import asked, breaker, drive, go, open_gates, phase_of, run_out, state, work
from tests.activation.conftest import Papers
from tests.api import ApiClient, body
from tests.decisions.conftest import DECIDES
from tests.decisions.test_evaluate import next_slot
from tests.problem import refusal


def policy(mode: str, *, k: int = 2, **terms: Any) -> dict[str, Any]:
    hysteresis = {"promote_after": 1, "demote_after": 1}
    return {
        **DECIDES,
        "selection": {**DECIDES["selection"], "top_k": {"k": k}, "hysteresis": hysteresis},
        "governance": {"live_promotion": {"mode": mode}},
        **terms,
    }


def evaluate(client: ApiClient) -> dict[str, Any]:
    next_slot()
    answer = client.post("/worlds/alpha/evaluate", {})
    assert answer.status_code == 200, answer.content
    document: dict[str, Any] = body(answer)
    return document


def status(name: str, run_id: str = "p1") -> str:
    return str(EvaluationRun.objects.values_list("status", flat=True).get(strategy_id=name, run_id=run_id))


@pytest.fixture
def risk(world: ApiClient, someone: Any) -> ApiClient:
    client: ApiClient = someone("rita", world="alpha", roles=["risk"])
    return client


def approve(client: ApiClient, name: str) -> None:
    key = Promotion.objects.get(strategy_id=name, state="pending").pk
    answer = client.post(f"/worlds/alpha/promotions/{key}/approve", {"reason": "looked at it"})
    assert answer.status_code == 200, answer.content


# --- auto_apply -------------------------------------------------------------------------------------------
def test_a_decision_applies_itself_where_the_policy_lets_it(world: ApiClient, papers: Papers) -> None:
    world.post("/worlds/alpha/policy", policy("auto_apply"))
    papers("a", "b")
    decision = evaluate(world)
    assert sorted(decision["plan"]["promote"]) == ["a", "b"]
    work()
    assert (open_gates(world), phase_of(f"decision-{decision['decision_id']}")) == (["a", "b"], "completed")
    apply = body(world.get(f"/worlds/alpha/applies/decision-{decision['decision_id']}"))
    assert (apply["decision_id"], apply["policy_version"], apply["requested_by"]) == (
        decision["decision_id"],
        2,
        "service:evaluation",
    )


def test_a_demotion_closes_and_promotes_in_one_apply(world: ApiClient, papers: Papers) -> None:
    world.post("/worlds/alpha/policy", policy("auto_apply", k=1))
    papers("a")
    evaluate(world)
    work()
    papers("b", mean=0.003)
    papers("a", mean=-0.001, run_id="p2")
    decision = evaluate(world)
    assert (decision["plan"]["demote"], decision["plan"]["promote"]) == (["a"], ["b"])
    work()
    assert (open_gates(world), Binding.objects.get(strategy_id="a").state) == (["b"], "dry_run")
    assert Apply.objects.count() == 2


def test_a_decision_that_moves_nothing_starts_no_apply(world: ApiClient, papers: Papers) -> None:
    world.post("/worlds/alpha/policy", policy("auto_apply"))
    papers("a")
    evaluate(world)
    work()
    evaluate(world)
    work()
    assert (Apply.objects.count(), Decision.objects.count()) == (1, 2)


def test_the_same_news_twice_begins_one_apply(world: ApiClient, papers: Papers) -> None:
    world.post("/worlds/alpha/policy", policy("auto_apply"))
    papers("a")
    evaluate(world)
    assert [follow_decision(world_id="alpha") for _ in range(3)] == [True, False, False]
    work()
    assert follow_decision(world_id="alpha") is False


def test_what_may_not_open_keeps_nothing_from_closing(world: ApiClient, papers: Papers) -> None:
    world.post("/worlds/alpha/policy", policy("auto_apply", k=1))
    papers("a")
    evaluate(world)
    work()
    papers("b", mean=0.003)
    papers("a", mean=-0.001, run_id="p2")
    evaluate(world)
    breaker(world, engaged=True)
    work()
    states = dict(Binding.objects.values_list("strategy_id", "state"))
    assert (states, open_gates(world)) == ({"a": "dry_run", "b": "dry_run"}, [])


def test_while_an_apply_is_in_flight_its_end_is_waited_for(world: ApiClient, papers: Papers) -> None:
    papers("a", "b")
    slow = asked("slow", opens={"a": 0.5})
    world.post("/worlds/alpha/policy", policy("auto_apply"))
    evaluate(world)
    assert follow_decision(world_id="alpha") is False
    work()
    assert (phase_of("slow"), open_gates(world)) == ("completed", ["a", "b"])
    assert next(row.pk for row in Apply.objects.order_by("id")) == slow.pk


# --- approvals --------------------------------------------------------------------------------------------
def test_an_approval_leads_to_an_apply_once_the_relay_has_run(
    world: ApiClient, papers: Papers, risk: ApiClient
) -> None:
    world.post("/worlds/alpha/policy", policy("manual_approval"))
    papers("a", "b")
    evaluate(world)
    work()
    assert (open_gates(world), Apply.objects.count()) == ([], 0)
    approve(risk, "a")
    assert Apply.objects.count() == 0
    work()
    assert open_gates(world) == ["a"]
    states = dict(Promotion.objects.values_list("strategy_id", "state"))
    assert states == {"a": "applied", "b": "pending"}


def test_the_second_approval_goes_after_the_first(world: ApiClient, papers: Papers, risk: ApiClient) -> None:
    world.post("/worlds/alpha/policy", policy("manual_approval"))
    papers("a", "b")
    evaluate(world)
    approve(risk, "b")
    assert follow_approvals(world_id="alpha") is True
    approve(risk, "a")
    assert follow_approvals(world_id="alpha") is False  # one in flight
    work()
    assert (open_gates(world), Apply.objects.count()) == (["a", "b"], 2)


def test_what_was_abandoned_goes_with_the_next_approval(
    world: ApiClient, papers: Papers, risk: ApiClient, holder: Any
) -> None:
    world.post("/worlds/alpha/policy", policy("manual_approval"))
    papers("a", "b")
    evaluate(world)
    work()
    holder("silent", "a", "b")
    approve(risk, "b")
    work()
    assert run_out(Apply.objects.get()).phase == "rolled_back"
    work()
    assert Apply.objects.count() == 1
    approve(risk, "a")
    work()
    assert (open_gates(world), Apply.objects.count()) == (["a", "b"], 2)


def test_approved_promotions_of_an_older_decision_wait_for_the_new_one(
    world: ApiClient, papers: Papers, risk: ApiClient
) -> None:
    world.post("/worlds/alpha/policy", policy("manual_approval"))
    papers("a")
    evaluate(world)
    approve(risk, "a")
    evaluate(world)
    work()
    assert open_gates(world) == ["a"]


def test_slots_that_somebody_took_by_hand_are_taken(
    world: ApiClient, papers: Papers, risk: ApiClient
) -> None:
    world.post("/worlds/alpha/policy", policy("manual_approval", k=1))
    papers("a", mean=0.003)
    papers("b")
    decision = evaluate(world)
    go("by-hand", opens={"b": 1.0})
    answer = world.post("/worlds/alpha/apply", {"run_id": "x", "decision_id": decision["decision_id"]})
    assert refusal(answer) == (422, "E_VALIDATION")  # nobody has approved it
    approve(risk, "a")
    work()
    answer = world.post("/worlds/alpha/apply", {"run_id": "x", "decision_id": decision["decision_id"]})
    assert (refusal(answer), open_gates(world)) == ((409, "E_NO_SLOT"), ["b"])


def test_a_world_that_was_paused_meanwhile_opens_nothing(
    world: ApiClient, papers: Papers, risk: ApiClient
) -> None:
    world.post("/worlds/alpha/policy", policy("manual_approval"))
    papers("a")
    evaluate(world)
    approve(risk, "a")
    state(world, "PAUSED")
    work()
    assert (Apply.objects.count(), Promotion.objects.get().state) == (0, "approved")


# --- runs -------------------------------------------------------------------------------------------------
def test_the_run_that_carried_a_strategy_is_activated_and_expires_when_it_leaves(
    world: ApiClient, papers: Papers
) -> None:
    papers("a")
    assert status("a") == "evaluated"
    go("up", opens={"a": 1.0})
    assert status("a") == "activated"
    run = body(world.get("/worlds/alpha/strategies/a/runs/p1"))
    assert (run["activation_state"], run["effective_mode"]) == ("active", "live")
    go("down", closes=["a"])
    assert (status("a"), status("a", "backtest")) == ("expired", "evaluated")


def test_an_activated_run_stays_when_a_newer_one_comes_until_that_is_activated(
    world: ApiClient, papers: Papers
) -> None:
    papers("a")
    go("up", opens={"a": 1.0})
    papers("a", run_id="p2")
    assert (status("a", "p1"), status("a", "p2")) == ("activated", "evaluated")
    breaker(world, engaged=True)
    breaker(world, engaged=False)
    go("again", opens={"a": 1.0})
    assert (status("a", "p1"), status("a", "p2")) == ("expired", "activated")


def test_an_apply_that_was_abandoned_activates_no_run(world: ApiClient, papers: Papers) -> None:
    papers("a")
    apply = asked("up", opens={"a": 1.0})
    breaker(world, engaged=True)
    assert (drive(apply).phase, status("a")) == ("rolled_back", "evaluated")


def test_a_world_that_retires_ends_its_activated_runs(world: ApiClient, papers: Papers) -> None:
    papers("a")
    go("up", opens={"a": 1.0})
    assert world.delete("/worlds/alpha?reason=over&force=true").status_code == 200
    assert status("a") == "expired"
