"""The kill switch falls while a world is being evaluated: runs are made without its lock."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from evaluation.models import Decision, EvaluationRun
from evaluation.services import evaluate_world
from evaluation.services import reported as module
from qmtl_site.audit.actor import Actor
from strategies import selectors, services
from strategies.domain.plans import Opening, Plan
from tests.api import ApiClient, body, results, returns
from tests.conftest import client_of
from tests.decisions.conftest import DECIDES, paper
from tests.decisions.test_performance_runs import report
from worlds.models import World

ACTOR = Actor.service("test")


@pytest.fixture
def alpha(committed: None) -> ApiClient:
    """A world in which `good` is live and has reported, so that an evaluation makes a run of it."""
    root = client_of(User.objects.create_superuser("root"))
    root.make_world(policy=DECIDES, allow_live=True)
    root.make_strategy("good")
    root.submit("alpha", "good", results(returns()), run_id="backtest")
    paper(root, "good", 0.0015)
    World.objects.update(decision_stale_at=timezone.now() + timedelta(days=1))
    plan = Plan(openings=[Opening("good", 1.0)])
    apply = services.request_apply(asked=services.Asked("alpha", "live", plan), actor=ACTOR)
    assert services.drive_apply(apply_id=apply.pk) == "completed"
    report(root, "good", slice(0, 100))
    return root


class Judging:
    """An evaluation that has judged its runs, holds what it has locked for that, and goes on when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.inside, self.go = threading.Event(), threading.Event()
        honest = module.evaluate_batch

        def evaluate_batch(**given: Any) -> int:
            judged = honest(**given)
            self.inside.set()
            self.go.wait(20)
            return judged

        monkeypatch.setattr(module, "evaluate_batch", evaluate_batch)


def evaluate() -> bytes:
    try:
        return evaluate_world(world_id="alpha", actor=ACTOR)
    finally:
        connection.close()


def halt(root: ApiClient) -> int:
    try:
        words = {"engaged": True, "reason": "it burns"}
        return ApiClient(root.token).post("/worlds/alpha/circuit-breaker", words).status_code
    finally:
        connection.close()


def test_a_halt_goes_through_while_runs_are_being_made(
    alpha: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    judging = Judging(monkeypatch)
    with ThreadPoolExecutor(2) as pool:
        evaluating = pool.submit(evaluate)
        assert judging.inside.wait(20)
        try:
            assert pool.submit(halt, alpha).result(5) == 200
            assert [gate["active"] for gate in selectors.gate_documents("alpha")] == [False]
        finally:
            judging.go.set()
        decision = evaluating.result(20)
    assert body(alpha.get("/worlds/alpha"))["circuit_breaker"] is True
    assert Decision.objects.get().document == decision


def test_who_dies_between_making_runs_and_deciding_leaves_runs_that_are_counted_once(
    alpha: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evaluation.services import decisions

    def die(**given: Any) -> None:
        raise SystemError("power is gone")

    with monkeypatch.context() as broken:
        broken.setattr(decisions, "decided_now", die)
        with pytest.raises(SystemError):
            evaluate_world(world_id="alpha", actor=ACTOR)
    decided = orjson.loads(evaluate_world(world_id="alpha", actor=ACTOR))
    (run,) = EvaluationRun.objects.filter(strategy_id="good", stage="live")
    assert [told["run_id"] for told in decided["candidates"]] == [run.run_id]
    assert Decision.objects.get().number == 1
