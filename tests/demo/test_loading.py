"""The demo world in the database: loaded once, evaluated when it is due, and the same as the walk says."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from django.core.management import call_command

from evaluation.models import Decision, EvaluationRun, Promotion
from evaluation.services import due_worlds, evaluate_if_due, replay_decision
from evaluation.services.loading import world_terms
from qmtl_site.demo import loading
from qmtl_site.demo.paper import paper_record
from qmtl_site.demo.prices import Prices
from qmtl_site.demo.strategies import DEMO, DemoStrategy
from qmtl_site.demo.walk import Place, milliseconds, take_step
from strategies.models import Binding, PerformanceSeries
from tests.kept import Keep
from worlds.domain.policy import Policy
from worlds.models import World

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def loaded(keep: Keep) -> None:
    with keep("loaded"):
        loading.load_demo(loading.author())


def test_who_passed_has_reported_two_years_and_who_failed_none(
    loaded: None, passed: list[DemoStrategy]
) -> None:
    states = dict(Binding.objects.values_list("strategy_id", "state"))
    assert {name for name, state in states.items() if state == "dry_run"} == {demo.id for demo in passed}
    assert set(states.values()) == {"dry_run", "rejected"}
    reported = PerformanceSeries.objects.values_list("binding__strategy_id", "mode", "count")
    assert sorted(reported) == sorted((demo.id, "paper", 501) for demo in passed)


def test_the_mined_one_is_stopped_by_the_deflated_sharpe_ratio_alone(loaded: None) -> None:
    run = EvaluationRun.objects.select_related("result").get(strategy_id="mined_500")
    blocking = [v for v in orjson.loads(run.result.summary)["violations"] if v["severity"] == "blocking"]
    assert [v["reason_code"] for v in blocking] == ["robustness.dsr_min"]


def test_a_load_that_was_cut_off_is_taken_up_and_a_whole_one_left_alone(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*_: Any) -> None:
        raise SystemError("power is gone")

    with monkeypatch.context() as broken:
        broken.setattr(loading, "report_paper", cut_off)
        with pytest.raises(SystemError):
            loading.load_demo(loading.author())
    assert not loading.is_loaded()
    call_command("load_demo")
    assert loading.is_loaded()
    assert (EvaluationRun.objects.count(), PerformanceSeries.objects.count()) == (len(DEMO), 9)
    call_command("load_demo")
    assert EvaluationRun.objects.count() == len(DEMO)


def test_it_is_due_at_once_and_its_first_evaluation_makes_runs_and_a_decision(loaded: None) -> None:
    assert due_worlds() == ["demo"]
    assert evaluate_if_due(world_id="demo") is True
    decision = Decision.objects.get()
    assert decision.made_by == "service:schedule"
    assert EvaluationRun.objects.filter(stage="paper", evaluated_at__isnull=False).count() == 9
    document = orjson.loads(bytes(decision.document))
    reasons = {told["strategy_id"]: told["reasons"][0] for told in document["candidates"]}
    assert "promotion takes 2" in reasons["mom_252"]
    assert "correlation 0.95 with mom_252, above 0.9" in reasons["mom_126"]
    assert replay_decision(world_id="demo", decision_id=decision.decision_id)["identical"] is True


def test_promotions_may_come_and_would_wait_for_their_approver(loaded: None, typed_policy: Policy) -> None:
    assert World.objects.get().allow_live is True
    assert typed_policy.governance.live_promotion.mode == "manual_approval"
    evaluate_if_due(world_id="demo")
    Binding.objects.update(last_counted_slot="2020-01-01T00:00:00Z", last_counted_run="")
    World.objects.update(next_evaluation_at="2020-01-01T00:00:00Z")
    evaluate_if_due(world_id="demo")
    waiting = Promotion.objects.filter(state="pending").values_list("strategy_id", flat=True)
    assert sorted(waiting) == ["low_vol", "mom_252"]
    assert not Binding.objects.filter(state="live").exists()


def test_the_service_decides_as_the_walk_does(
    loaded: None, typed_policy: Policy, passed: list[DemoStrategy], prices: Prices
) -> None:
    evaluate_if_due(world_id="demo")
    kept = Decision.objects.get()
    places = [Place(demo, paper_record(demo, prices)) for demo in passed]
    walked = take_step(typed_policy, world_terms(World.objects.get()), places, milliseconds(kept.as_of))
    served = orjson.loads(bytes(kept.document))
    for name in ("plan", "active_set", "weights", "funnel"):
        assert walked.document[name] == served[name]
    for told in served["candidates"]:
        own = walked.told(told["strategy_id"])
        assert {**own, "run_id": told["run_id"]} == told


def test_the_demo_tells_the_whole_story(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("demo")
    told = " ".join(capsys.readouterr().out.split())
    for words in (
        "9 of 16 pass policy version 1",
        "mom_126 never went live: held by mom_120",
        "leaders_756 on 2022-05-01, after 2 failures in a row",
        "0 counters moved",
        "identical, sha256",
        "the active policy would promote mom_252, low_vol and the draft mom_252",
    ):
        assert words in told
    assert World.objects.get().policies.get(state="active").version == 1
