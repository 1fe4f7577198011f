"""Paper runs come from reported performance, once per news, before the decision that counts them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evaluation.models import EvaluationRun
from qmtl_site.audit.actor import Actor
from strategies.models import Binding
from strategies.services import move_binding
from tests.api import ApiClient, body
from tests.decisions.conftest import OnPaper
from tests.decisions.test_evaluate import evaluate, next_slot, told

DAYS = np.arange("2026-01-01", "2026-09-01", dtype="datetime64[D]")


def report(client: ApiClient, name: str, days: slice, *, seed: int = 5) -> None:
    draws = np.random.default_rng(seed).normal(0.003, 0.008, DAYS.size)
    records = [
        {"ts": f"{day}T00:00:00Z", "return": value, "trades": 1}
        for day, value in zip(DAYS[days].tolist(), draws[days].tolist(), strict=True)
    ]
    answer = client.post(f"/worlds/alpha/strategies/{name}/performance", records)
    assert answer.status_code == 202, answer.content


def paper_runs() -> list[EvaluationRun]:
    return list(EvaluationRun.objects.filter(stage="paper", strategy_id="good").order_by("id"))


@pytest.fixture
def dry(world: ApiClient, on_paper: OnPaper) -> ApiClient:
    """`good` is in dry run, with a posted paper run."""
    on_paper("good")
    return world


def test_new_performance_becomes_one_run_over_the_window(dry: ApiClient) -> None:
    report(dry, "good", slice(0, 150))
    made = evaluate(dry)
    run = paper_runs()[-1]
    assert told(made, "good")["run_id"] == run.run_id
    metrics = body(dry.get(f"/worlds/alpha/strategies/good/runs/{run.run_id}/metrics"))
    assert metrics["evaluation"]["returns"]["sample_count"] == 90  # evaluation_window: 90d
    assert metrics["evaluation"]["sample"]["n_trades_total"] == 90
    assert metrics["placement"]["rank"] == 1


def test_nothing_new_makes_no_run(dry: ApiClient) -> None:
    report(dry, "good", slice(0, 100))
    evaluate(dry)
    count = len(paper_runs())
    evaluate(dry)
    report(dry, "good", slice(0, 100))  # the same again
    evaluate(dry)
    assert len(paper_runs()) == count


def test_a_question_makes_no_run(dry: ApiClient) -> None:
    report(dry, "good", slice(0, 100))
    count = len(paper_runs())
    evaluate(dry, dry_run=True)
    assert len(paper_runs()) == count


def test_each_slot_counts_the_newest_run_once(dry: ApiClient) -> None:
    passes: list[Any] = []
    for end in (100, 110, 120):
        report(dry, "good", slice(0, end))
        made = evaluate(dry)
        passes.append((told(made, "good")["consecutive_passes"], made["plan"]["promote"]))
        next_slot()
    assert passes == [(1, []), (2, ["good"]), (3, ["good"])]


def test_what_the_last_stay_earned_is_no_news_of_this_one(dry: ApiClient) -> None:
    """Told after the promotion, it is kept; the live run is made from what was earned live."""
    binding = Binding.objects.get(strategy_id="good")
    move_binding(binding=binding, by="promote", reason="a test", actor=Actor.service("test"))
    late = {"records": [{"ts": "2026-03-01T00:00:00Z", "return": 0.01}], "mode": "paper"}
    assert dry.post("/worlds/alpha/strategies/good/performance", late).status_code == 202
    count = EvaluationRun.objects.count()
    evaluate(dry)
    evaluate(dry)
    assert EvaluationRun.objects.count() == count
