"""Evaluating a world over the API: the decision, its counters, its replay."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from evaluation.models import Decision, EvaluationRun
from evaluation.services import evaluate_if_due
from qmtl_site.blobs import store
from strategies.models import Binding
from tests.api import ApiClient, body
from tests.decisions.conftest import OnPaper, paper
from tests.problem import nothing_written, pointer, refusal
from worlds.models import World


def evaluate(client: ApiClient, query: str = "", **fields: Any) -> dict[str, Any]:
    answer = client.post(f"/worlds/alpha/evaluate{query}", fields)
    assert answer.status_code == 200, answer.content
    document: dict[str, Any] = body(answer)
    return document


def told(decision: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [c for c in decision["candidates"] if c["strategy_id"] == name]
    return found


def next_slot() -> None:
    """As if the counters had last moved in an earlier slot."""
    Binding.objects.update(last_counted_slot="2020-01-01T00:00:00Z")


def test_a_decision_ranks_counts_and_waits(world: ApiClient, on_paper: OnPaper) -> None:
    on_paper("good", 0.002, seed=1)
    on_paper("fair", 0.0015, seed=2)
    on_paper("poor", 0.0005, seed=3)
    made = evaluate(world)
    assert made["plan"]["promote"] == []
    assert [told(made, name)["rank"] for name in ("good", "fair", "poor")] == [1, 2, None]
    assert told(made, "good")["consecutive_passes"] == 1
    assert "promotion takes 2" in told(made, "good")["reasons"][0]
    binding = Binding.objects.get(strategy_id="poor")
    assert (binding.consecutive_failures, binding.last_counted_run) == (1, "p1")
    assert EvaluationRun.objects.get(strategy_id="poor", run_id="p1").status == "rejected"


def test_asking_again_promotes_nobody(world: ApiClient, on_paper: OnPaper) -> None:
    on_paper("good")
    for _ in range(10):
        made = evaluate(world)
    assert told(made, "good")["consecutive_passes"] == 1
    assert told(made, "good")["counted"] is False
    assert made["plan"]["promote"] == []
    assert Decision.objects.count() == 10


def test_two_slots_with_new_runs_make_a_candidate(world: ApiClient, on_paper: OnPaper) -> None:
    on_paper("good")
    evaluate(world)
    next_slot()
    assert evaluate(world)["plan"]["promote"] == []  # no new run: nothing is counted
    paper(world, "good", 0.0015, run_id="p2")
    made = evaluate(world)
    assert made["plan"]["promote"] == ["good"]
    assert made["weights"] == {"good": 1.0}
    (waiting,) = body(world.get("/worlds/alpha/promotions?state=pending"))["items"]
    assert (waiting["strategy_id"], waiting["decision_id"]) == ("good", made["decision_id"])
    assert Binding.objects.get(strategy_id="good").state == "dry_run"


def test_a_decision_is_kept_and_made_again_byte_for_byte(world: ApiClient, on_paper: OnPaper) -> None:
    on_paper("good")
    made = evaluate(world)
    answer = world.get(f"/worlds/alpha/decisions/{made['decision_id']}")
    assert body(answer) == made
    assert "immutable" in answer["Cache-Control"]
    on_paper("other")  # what came later does not matter
    replay = body(world.post(f"/worlds/alpha/decisions/{made['decision_id']}/replay"))
    assert replay["identical"] is True
    assert replay["sha256"] == replay["replayed_sha256"] == answer["ETag"].strip('"')


def test_a_replay_on_other_versions_says_so(
    world: ApiClient, on_paper: OnPaper, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_paper("good")
    made = evaluate(world)
    monkeypatch.setattr("evaluation.services.inputs.RULESET_VERSION", "99")
    monkeypatch.setattr("evaluation.domain.decision.document.reasons_of", lambda decision, i: ["other words"])
    replay = body(world.post(f"/worlds/alpha/decisions/{made['decision_id']}/replay"))
    assert (replay["identical"], replay["reason"]) == (False, "version")
    assert "ruleset" in replay["detail"]


def test_a_question_writes_nothing(world: ApiClient, on_paper: OnPaper) -> None:
    on_paper("good")
    with nothing_written():
        made = evaluate(world, dry_run=True)
        earlier = evaluate(world, as_of="2021-01-01T00:00:00Z")
    assert made["dry_run"] is True
    assert told(made, "good")["consecutive_passes"] == 1
    assert earlier["dry_run"] is True
    assert "no evaluated" in told(earlier, "good")["reasons"][0]


def test_a_world_without_a_policy_has_an_empty_plan(root: ApiClient) -> None:
    root.make_world(policy=None)
    made = evaluate(root)
    assert made["plan"] == {"promote": [], "demote": [], "reopen": [], "hold": []}
    assert made["reason"] == "the world has no active policy"


@pytest.mark.parametrize(
    ("state", "code"), [("PAUSED", "E_ILLEGAL_TRANSITION"), ("RETIRED", "E_WORLD_RETIRED")]
)
def test_worlds_that_stand_still_are_not_evaluated(world: ApiClient, state: str, code: str) -> None:
    world.post("/worlds/alpha/state", {"state": state, "reason": "a test"})
    for query in ("", "?async=true"):
        assert refusal(world.post(f"/worlds/alpha/evaluate{query}", {})) == (409, code)


def test_a_restricted_world_promotes_nobody(world: ApiClient, on_paper: OnPaper) -> None:
    on_paper("good")
    evaluate(world)
    world.post("/worlds/alpha/state", {"state": "EVALUATION_ONLY", "reason": "a test"})
    next_slot()
    paper(world, "good", 0.0015, run_id="p2")
    made = evaluate(world)
    assert made["plan"]["promote"] == []
    assert told(made, "good")["consecutive_passes"] == 2
    assert "EVALUATION_ONLY" in told(made, "good")["reasons"][0]


BAD = {
    "the future": ({"as_of": "2100-01-01T00:00:00Z"}, "/as_of"),
    "no zone": ({"as_of": "2020-01-01T00:00:00"}, "/as_of"),
    "no time": ({"as_of": "soon"}, "/as_of"),
    "a number": ({"as_of": 0}, "/as_of"),
    "no flag": ({"dry_run": "yes"}, "/dry_run"),
    "an unknown field": ({"force": True}, "/force"),
}


@pytest.mark.parametrize(("given", "place"), BAD.values(), ids=BAD.keys())
def test_bad_questions_are_refused(world: ApiClient, given: dict[str, Any], place: str) -> None:
    with nothing_written():
        answer = world.post("/worlds/alpha/evaluate", given)
    assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), place)


def test_a_due_world_is_evaluated_once(world: ApiClient, on_paper: OnPaper) -> None:
    on_paper("good")
    assert evaluate_if_due(world_id="alpha") is True
    assert evaluate_if_due(world_id="alpha") is False
    row = World.objects.get()
    assert row.next_evaluation_at is not None
    assert row.last_evaluation_at is not None
    assert row.next_evaluation_at > row.last_evaluation_at
    assert Decision.objects.get().made_by == "service:schedule"


def test_a_paper_run_says_where_it_stands(world: ApiClient, on_paper: OnPaper) -> None:
    on_paper("good", 0.002)
    on_paper("fair", 0.0015, seed=2)
    metrics = body(world.get("/worlds/alpha/strategies/fair/runs/p1/metrics"))
    placement = metrics["placement"]
    assert (placement["outcome"], placement["rank"]) == ("hold", 2)
    assert Binding.objects.get(strategy_id="fair").consecutive_passes == 0


def test_one_lost_series_holds_one_strategy(
    world: ApiClient, on_paper: OnPaper, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_paper("good")
    on_paper("other", seed=2)
    lost = EvaluationRun.objects.get(strategy_id="good", run_id="p1").input.returns_id
    honest = store.get_many

    def get_many(names: Any) -> Any:
        wanted = set(names)
        if lost in wanted:
            raise store.BlobCorrupt(f"blob {lost} is lost")
        return honest(wanted)

    monkeypatch.setattr(store, "get_many", get_many)
    made = evaluate(world)
    assert "is lost" in told(made, "good")["reasons"][0]
    assert told(made, "good")["counted"] is False
    assert told(made, "other")["counted"] is True


def test_the_number_of_queries_does_not_grow(
    world: ApiClient, on_paper: OnPaper, django_assert_max_num_queries: Any
) -> None:
    on_paper("a")
    evaluate(world)
    for n in range(6):
        on_paper(f"s{n}", seed=n)
    with django_assert_max_num_queries(40):
        evaluate(world)


def test_the_command_replays(world: ApiClient, on_paper: OnPaper, capsys: pytest.CaptureFixture[str]) -> None:
    on_paper("good")
    made = evaluate(world)
    call_command("replay_decision", "alpha")
    assert f"decision {made['decision_id']} of alpha: identical" in capsys.readouterr().out
    with pytest.raises(CommandError, match="has no decision"):
        call_command("replay_decision", "alpha", "nothing")
