"""Promotions wait for a person, who is not the strategy's own, and stand only while the newest decision asks."""

from __future__ import annotations

from typing import Any

import pytest

from evaluation.models import Promotion
from strategies.models import Binding
from tests.api import ApiClient, body
from tests.decisions.conftest import DECIDES, paper, put_on_paper
from tests.decisions.test_evaluate import evaluate, next_slot
from tests.kept import Keep
from tests.problem import refusal

PROMOTIONS = "/worlds/alpha/promotions"
REASON = {"reason": "looked at it"}


@pytest.fixture(scope="module")
def waiting_rows(keep: Keep, world_rows: None) -> None:
    with keep("waiting_rows", on="world_rows") as root:
        put_on_paper(root, "good")
        evaluate(root)
        next_slot()
        paper(root, "good", 0.0015, run_id="p2")
        evaluate(root)


@pytest.fixture
def waiting(waiting_rows: None, world: ApiClient) -> dict[str, Any]:
    """`good` waits for its approval."""
    (found,) = body(world.get(f"{PROMOTIONS}?state=pending"))["items"]
    promotion: dict[str, Any] = found
    return promotion


@pytest.fixture
def people(world: ApiClient, someone: Any) -> dict[str, ApiClient]:
    """One user for each role in alpha."""
    roles = ("risk", "operator", "viewer")
    return {role: someone(f"a-{role}", world="alpha", roles=[role]) for role in roles}


def test_risk_approves_and_nothing_opens(people: dict[str, ApiClient], waiting: dict[str, Any]) -> None:
    path = f"{PROMOTIONS}/{waiting['promotion_id']}/approve"
    answer = people["risk"].post(path, REASON)
    assert (answer.status_code, body(answer)["state"], body(answer)["decided_by"]) == (
        200,
        "approved",
        "a-risk",
    )
    assert Binding.objects.get(strategy_id="good").state == "dry_run"
    assert refusal(people["risk"].post(path, REASON)) == (409, "E_ILLEGAL_TRANSITION")


def test_risk_rejects(people: dict[str, ApiClient], waiting: dict[str, Any]) -> None:
    answer = people["risk"].post(f"{PROMOTIONS}/{waiting['promotion_id']}/reject", REASON)
    assert (body(answer)["state"], body(answer)["reason"]) == ("rejected", "looked at it")


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_only_the_policys_approvers_decide(
    people: dict[str, ApiClient], waiting: dict[str, Any], verb: str
) -> None:
    path = f"{PROMOTIONS}/{waiting['promotion_id']}/{verb}"
    assert refusal(people["operator"].post(path, REASON)) == (403, "E_FORBIDDEN")
    assert refusal(people["viewer"].post(path, REASON)) == (403, "E_FORBIDDEN")


def test_the_owner_of_a_strategy_does_not_approve_it(world: ApiClient, waiting: dict[str, Any]) -> None:
    answer = world.post(f"{PROMOTIONS}/{waiting['promotion_id']}/approve", REASON)
    assert refusal(answer) == (409, "E_FOUR_EYES")  # a superuser, and still the owner


def test_a_promotion_lapses_when_the_newest_decision_does_not_ask(
    world: ApiClient, people: dict[str, ApiClient], waiting: dict[str, Any]
) -> None:
    world.post(
        "/worlds/alpha/policy", {**DECIDES, "selection": {**DECIDES["selection"], "gates": "sharpe >= 9"}}
    )
    evaluate(world)
    assert Promotion.objects.get().state == "lapsed"
    answer = people["risk"].post(f"{PROMOTIONS}/{waiting['promotion_id']}/approve", REASON)
    assert refusal(answer) == (409, "E_ILLEGAL_TRANSITION")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("PATCH", "/worlds/alpha", {"allow_live": False}), "E_LIVE_NOT_ALLOWED"),
        (
            ("POST", "/worlds/alpha/circuit-breaker", {"engaged": True, "reason": "a test"}),
            "E_BREAKER_ENGAGED",
        ),
        (("POST", "/worlds/alpha/state", {"state": "EvalOnly", "reason": "a test"}), "E_ILLEGAL_TRANSITION"),
    ],
)
def test_approval_looks_at_the_world_again(
    world: ApiClient, people: dict[str, ApiClient], waiting: dict[str, Any], change: Any, code: str
) -> None:
    assert world.call(*change).status_code == 200
    answer = people["risk"].post(f"{PROMOTIONS}/{waiting['promotion_id']}/approve", REASON)
    assert refusal(answer) == (409, code)
    assert Promotion.objects.get().state == "pending"


def test_an_approval_needs_a_reason(people: dict[str, ApiClient], waiting: dict[str, Any]) -> None:
    answer = people["risk"].post(f"{PROMOTIONS}/{waiting['promotion_id']}/approve", {})
    assert refusal(answer) == (422, "E_VALIDATION")


def test_an_unknown_promotion_is_not_found(people: dict[str, ApiClient]) -> None:
    assert refusal(people["risk"].post(f"{PROMOTIONS}/99/approve", REASON)) == (404, "E_NOT_FOUND")


@pytest.mark.parametrize(
    "published",
    [
        {**DECIDES, "governance": {"live_promotion": {"mode": "disabled"}}},
        {**DECIDES, "selection": {**DECIDES["selection"], "gates": "sharpe > 99"}},
    ],
)
def test_an_approval_looks_at_the_policy_in_force(
    world: ApiClient, people: dict[str, ApiClient], waiting: dict[str, Any], published: dict[str, Any]
) -> None:
    assert world.post("/worlds/alpha/policy", published).status_code == 201
    answer = people["risk"].post(f"{PROMOTIONS}/{waiting['promotion_id']}/approve", REASON)
    assert refusal(answer) == (409, "E_ILLEGAL_TRANSITION")


def test_a_rejected_promotion_is_not_asked_for_again_before_another_run(
    world: ApiClient, people: dict[str, ApiClient], waiting: dict[str, Any]
) -> None:
    people["risk"].post(f"{PROMOTIONS}/{waiting['promotion_id']}/reject", REASON)
    made = evaluate(world)
    assert made["plan"]["promote"] == []
    assert "was rejected; its next run asks again" in made["candidates"][0]["reasons"][-1]
    next_slot()
    paper(world, "good", 0.0015, run_id="p3")
    assert evaluate(world)["plan"]["promote"] == ["good"]
