"""An apply as it is asked for: by a plan or by the newest decision; what is refused changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse

from strategies.models import Apply, Binding
from tests.activation.acting import breaker, decided, gate, go, open_gates, places, put, state, undone, work
from tests.activation.conftest import Papers
from tests.api import ApiClient, body
from tests.decisions.conftest import DECIDES
from tests.problem import nothing_written, pointer, refusal
from worlds.models import World


def apply(client: ApiClient, run_id: str = "one", **plan: Any) -> HttpResponse:
    return client.post("/worlds/alpha/apply", {"run_id": run_id, "plan": plan})


def test_a_plan_is_accepted_and_carried_out(world: ApiClient, papers: Papers) -> None:
    papers("a", "b")
    answer = apply(world, activate=["a", {"strategy_id": "b", "weight": 0.25, "side": "long"}])
    document = body(answer)
    assert (answer.status_code, answer["Location"]) == (202, "/worlds/alpha/applies/one")
    assert (document["phase"], document["plan"]["activate"]) == ("requested", ["a", "b"])
    work()
    assert open_gates(world) == ["a", "b"]
    assert (gate(world, "a")["weight"], gate(world, "b")["weight"]) == (
        0.5,
        0.25,
    )  # one of two slots; as asked
    done = body(world.get("/worlds/alpha/applies/one"))
    assert (done["phase"], done["outcome"], done["requested_by"]) == ("completed", "", "root")


def test_closings_hold_when_the_answer_comes(live: ApiClient) -> None:
    assert apply(live, deactivate=["a"]).status_code == 202
    found = gate(live)
    assert (found["active"], found["drain"], found["weight"], found["effective_mode"]) == (
        False,
        True,
        0.0,
        "paper",
    )


def test_a_plan_is_a_delta(live: ApiClient) -> None:
    go("second", opens={"b": 0.5})
    assert open_gates(live) == ["a", "b"]


# --- idempotent by its run id, for all time ---------------------------------------------------------------
def test_the_same_run_id_with_the_same_plan_is_the_same_apply(live: ApiClient) -> None:
    first = apply(live, deactivate=["a"])
    work()
    go("again", opens={"a": 0.5})
    with nothing_written():
        again = apply(live, deactivate=["a"])
    assert (first.status_code, again.status_code) == (202, 200)
    assert (body(again)["created_at"], body(again)["phase"]) == (body(first)["created_at"], "completed")
    assert open_gates(live) == ["a"]


def test_whatever_has_become_of_the_world(live: ApiClient) -> None:
    apply(live, deactivate=["a"])
    work()
    for wanted in ("PAUSED", "EVALUATION_ONLY", "RETIRED"):
        assert state(live, wanted).status_code == 200
        assert apply(live, deactivate=["a"]).status_code == 200


def test_the_same_run_id_with_another_plan_is_refused(live: ApiClient) -> None:
    apply(live, deactivate=["a"])
    with nothing_written():
        assert refusal(apply(live, activate=["b"])) == (409, "E_IDEMPOTENCY")
        assert refusal(world_decision(live, "nothing", "one")) == (409, "E_IDEMPOTENCY")


def test_one_apply_of_a_world_is_in_flight(live: ApiClient) -> None:
    apply(live, deactivate=["a"])
    with nothing_written():
        answer = apply(live, "two", deactivate=["a"])
    assert (refusal(answer), body(answer)["run_id"]) == ((409, "E_APPLY_IN_PROGRESS"), "one")


# --- bad plans --------------------------------------------------------------------------------------------
BAD: dict[str, tuple[Any, str]] = {
    "empty": ({}, "/plan"),
    "empty lists": ({"activate": [], "deactivate": []}, "/plan"),
    "an unknown strategy": ({"activate": ["b", "nobody"]}, "/plan/activate/1"),
    "an unknown one to close": ({"deactivate": ["a", "nobody"]}, "/plan/deactivate/1"),
    "both": ({"activate": ["b"], "deactivate": ["b"]}, "/plan/deactivate/0"),
    "twice": ({"activate": ["b", "b"]}, "/plan/activate/1"),
    "another side": ({"activate": [{"strategy_id": "b", "side": "short"}]}, "/plan/activate/0/side"),
}


def test_a_bad_plan_is_refused_with_the_place(world: ApiClient, papers: Papers) -> None:
    papers("a", "b")
    go("first", opens={"a": 0.5})
    with nothing_written():
        answers = {name: apply(world, **plan) for name, (plan, _) in BAD.items()}
    assert places(answers) == {name: place for name, (_, place) in BAD.items()}


MISSHAPEN: dict[str, tuple[Any, str]] = {
    "too heavy": ({"plan": {"activate": [{"strategy_id": "b", "weight": 1.5}]}}, "/plan/activate/0/weight"),
    "too light": ({"plan": {"activate": [{"strategy_id": "b", "weight": -1}]}}, "/plan/activate/0/weight"),
    "an unknown side": (
        {"plan": {"activate": [{"strategy_id": "b", "side": "up"}]}},
        "/plan/activate/0/side",
    ),
    "a plan and a decision": ({"plan": {"deactivate": ["a"]}, "decision_id": "d"}, ""),
    "neither": ({}, ""),
    "an unknown field": ({"plan": {"deactivate": ["a"], "hold": []}}, "/plan/hold"),
    "no name": ({"plan": {"activate": ["a b"]}}, "/plan/activate/0/strategy_id"),
    "no run id": ({"run_id": "", "plan": {"deactivate": ["a"]}}, "/run_id"),
    "a reserved run id": ({"run_id": "latest", "plan": {"deactivate": ["a"]}}, "/run_id"),
    "no list": ({"plan": {"deactivate": "a"}}, "/plan/deactivate"),
}


def test_what_has_no_shape_is_refused_with_the_place(live: ApiClient) -> None:
    with nothing_written():
        asked = {
            name: live.post("/worlds/alpha/apply", {"run_id": "one", **given})
            for name, (given, _) in MISSHAPEN.items()
        }
    assert places(asked) == {name: place for name, (_, place) in MISSHAPEN.items()}


def test_only_operators_apply(live: ApiClient, someone: Any) -> None:
    sam = someone("sam", world="alpha", roles=["viewer", "submitter", "runner", "risk"])
    assert refusal(apply(sam, deactivate=["a"])) == (403, "E_FORBIDDEN")
    assert refusal(apply(someone("nobody"), deactivate=["a"])) == (404, "E_NOT_FOUND")
    assert open_gates(live) == ["a"]


# --- what speaks against it -------------------------------------------------------------------------------
def stale(client: ApiClient) -> None:
    decided(hours=-1)


WORLDS: dict[str, tuple[Any, str]] = {
    "paused": (lambda client: state(client, "PAUSED"), "E_ILLEGAL_TRANSITION"),
    "restricted": (lambda client: state(client, "EVALUATION_ONLY"), "E_ILLEGAL_TRANSITION"),
    "retired": (lambda client: state(client, "RETIRED"), "E_WORLD_RETIRED"),
    "breaker": (lambda client: breaker(client, engaged=True), "E_BREAKER_ENGAGED"),
    "not allowed": (
        lambda client: client.patch("/worlds/alpha", {"allow_live": False}),
        "E_LIVE_NOT_ALLOWED",
    ),
    "stale": (stale, "E_ILLEGAL_TRANSITION"),
}


def test_nothing_opens_in_such_a_world(world: ApiClient, papers: Papers) -> None:
    papers("a")
    for change, code in WORLDS.values():
        with undone():
            change(world)
            with nothing_written():
                assert refusal(apply(world, activate=["a"])) == (409, code)


def test_closing_is_possible_all_the_same(live: ApiClient) -> None:
    for name in ("restricted", "breaker", "not allowed", "stale"):
        with undone():
            WORLDS[name][0](live)
            assert apply(live, deactivate=["a"]).status_code == 202
            assert Binding.objects.get(strategy_id="a").state == "dry_run"


def test_a_paused_world_does_not_even_close(live: ApiClient) -> None:
    """Its gates are closed; who leaves is decided when it goes on."""
    state(live, "PAUSED")
    assert refusal(apply(live, deactivate=["a"])) == (409, "E_ILLEGAL_TRANSITION")
    assert (Binding.objects.get(strategy_id="a").state, open_gates(live)) == ("live", [])


def test_who_is_live_and_open_is_not_opened_again(live: ApiClient) -> None:
    assert refusal(apply(live, activate=["a"])) == (409, "E_ALREADY_LIVE")
    put(live, active=False)
    assert apply(live, activate=["a"]).status_code == 202


def test_who_is_not_live_is_not_closed(live: ApiClient) -> None:
    assert refusal(apply(live, deactivate=["b"])) == (409, "E_NOT_LIVE")


def test_who_has_not_traded_on_paper_does_not_go_live(live: ApiClient) -> None:
    answer = apply(live, activate=["b"])
    assert refusal(answer) == (409, "E_ILLEGAL_TRANSITION")
    assert "no judged paper run" in body(answer)["detail"]
    live.make_strategy("fresh")
    live.post("/worlds/alpha/bindings", {"strategies": ["fresh"]})
    assert refusal(apply(live, activate=["fresh"])) == (409, "E_ILLEGAL_TRANSITION")


def test_a_failing_paper_run_is_not_overruled(world: ApiClient, papers: Papers) -> None:
    papers("a", mean=-0.002)
    answer = apply(world, activate=["a"])
    assert (refusal(answer), body(answer)["current"]) == (
        (409, "E_ILLEGAL_TRANSITION"),
        "has a paper run that is fail",
    )


def test_a_paper_run_without_returns_carries_nobody(world: ApiClient, papers: Papers) -> None:
    papers("a")
    bare = {"metrics": {"returns": {"sharpe": 3.0, "max_drawdown": -0.1}}}
    world.submit("alpha", "a", bare, run_id="p2", stage="paper")
    world.evaluate("alpha")
    assert body(apply(world, activate=["a"]))["current"] == "has a paper run without returns"


def test_the_slots_are_the_slots(world: ApiClient, papers: Papers) -> None:
    papers("a", "b", "c")
    go("first", opens={"a": 0.5, "b": 0.5})
    answer = apply(world, activate=["c"])
    assert (refusal(answer), body(answer)["live"], body(answer)["slots"]) == ((409, "E_NO_SLOT"), 2, 2)
    assert apply(world, activate=["c"], deactivate=["a"]).status_code == 202
    work()
    assert open_gates(world) == ["b", "c"]


FINGERPRINTS = [
    ({"required": True}, None, 409),
    ("v1", "v2", 409),
    ("v1", "v1", 202),
    ({"required": True}, "v9", 202),
]


@pytest.mark.parametrize(("demanded", "given", "status"), FINGERPRINTS)
def test_the_data_are_those_that_the_policy_demands(
    world: ApiClient, papers: Papers, demanded: Any, given: str | None, status: int
) -> None:
    papers("a", **({} if given is None else {"meta": {"dataset_fingerprint": given}}))
    assert world.post("/worlds/alpha/policy", {**DECIDES, "gating_policy": {"dataset_fingerprint": demanded}})
    decided()
    answer = apply(world, activate=["a"])
    assert answer.status_code == status
    assert status == 202 or refusal(answer) == (409, "E_FINGERPRINT")


def test_what_opens_again_needs_these_data_too(world: ApiClient, papers: Papers) -> None:
    papers("a")
    go("first", opens={"a": 0.5})
    world.post("/worlds/alpha/policy", {**DECIDES, "gating_policy": {"dataset_fingerprint": "v1"}})
    decided()
    assert put(world, "a", active=False).status_code == 200
    with nothing_written():
        assert refusal(put(world, "a", active=True)) == (409, "E_FINGERPRINT")
        assert refusal(apply(world, activate=["a"])) == (409, "E_FINGERPRINT")


@pytest.mark.parametrize("weight", [True, "0.5"])
def test_a_weight_is_a_number(world: ApiClient, papers: Papers, weight: Any) -> None:
    papers("a")
    answers = {
        "plan": apply(world, activate=[{"strategy_id": "a", "weight": weight}]),
        "gate": put(world, weight=weight),
    }
    assert places(answers) == {"plan": "/plan/activate/0/weight", "gate": "/weight"}


def test_one_objection_refuses_the_whole_plan(world: ApiClient, papers: Papers) -> None:
    papers("a")
    papers("b", mean=-0.002)
    go("first", opens={"a": 0.5})
    with nothing_written():
        assert apply(world, activate=["b"], deactivate=["a"]).status_code == 409
    assert open_gates(world) == ["a"]


# --- by a decision ----------------------------------------------------------------------------------------
def world_decision(client: ApiClient, decision_id: str, run_id: str = "by-decision") -> HttpResponse:
    return client.post("/worlds/alpha/apply", {"run_id": run_id, "decision_id": decision_id})


def test_a_decision_that_moves_nothing_is_no_apply(world: ApiClient, papers: Papers) -> None:
    papers("a")
    decision = body(world.post("/worlds/alpha/evaluate", {}))
    answer = world_decision(world, decision["decision_id"])
    assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), "/decision_id")


def test_only_the_newest_decision_is_applied(world: ApiClient) -> None:
    older = body(world.post("/worlds/alpha/evaluate", {}))["decision_id"]
    newer = body(world.post("/worlds/alpha/evaluate", {}))["decision_id"]
    assert refusal(world_decision(world, "nothing")) == (404, "E_NOT_FOUND")
    answer = world_decision(world, older)
    assert (refusal(answer), body(answer)["current"]) == ((409, "E_ILLEGAL_TRANSITION"), newer)


def test_a_decision_of_another_policy_is_not_applied(world: ApiClient) -> None:
    decision = body(world.post("/worlds/alpha/evaluate", {}))["decision_id"]
    world.post("/worlds/alpha/policy", {**DECIDES, "selection": {**DECIDES["selection"], "top_k": {"k": 1}}})
    answer = world_decision(world, decision)
    assert (refusal(answer), body(answer)["current"]) == ((409, "E_ILLEGAL_TRANSITION"), "2")


def test_applies_are_listed_newest_first_and_by_phase(live: ApiClient) -> None:
    apply(live, deactivate=["a"])
    names = [each["run_id"] for each in body(live.get("/worlds/alpha/applies"))["items"]]
    assert names == ["one", "first"]
    done = body(live.get("/worlds/alpha/applies?phase=completed"))["items"]
    assert [each["run_id"] for each in done] == ["first"]
    assert refusal(live.get("/worlds/alpha/applies?phase=asleep")) == (422, "E_VALIDATION")
    assert refusal(live.get("/worlds/alpha/applies/nothing")) == (404, "E_NOT_FOUND")


def test_the_words_of_an_apply_are_its_own(live: ApiClient) -> None:
    """Another world has its own run ids."""
    live.make_world("beta")
    World.objects.update(allow_live=True)
    apply(live, deactivate=["a"])
    answer = live.post("/worlds/beta/apply", {"run_id": "one", "plan": {"deactivate": ["a"]}})
    assert (refusal(answer), Apply.objects.count()) == ((422, "E_VALIDATION"), 2)
