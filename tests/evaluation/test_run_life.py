"""The life of runs, bindings and worlds around an evaluation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from evaluation.models import EvaluationRun
from evaluation.services import expire_stale_runs
from qmtl_site.outbox.relay import relay_all
from tests.api import ApiClient, body, results, returns
from tests.evaluation.conftest import Judge
from tests.problem import nothing_written, refusal

RUNS = "/worlds/alpha/strategies/mom/runs"
POOR = results(returns(mean=-0.001))


def move_world(client: ApiClient, state: str) -> Any:
    return client.post("/worlds/alpha/state", {"state": state, "reason": "a test"})


def binding(client: ApiClient) -> str:
    (row,) = body(client.get("/worlds/alpha/bindings"))["items"]
    state: str = row["state"]
    return state


def statuses() -> dict[str, str]:
    return dict(EvaluationRun.objects.values_list("run_id", "status"))


def later(hours: float) -> Any:
    return time_machine.travel(timezone.now() + timedelta(hours=hours))


# --- worlds -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("state", ["EVALUATION_ONLY", "EvalOnly"])
def test_a_restricted_world_evaluates(ready: ApiClient, judge: Judge, state: str) -> None:
    move_world(ready, state)
    assert judge()["summary"]["status"] == "pass"


def test_a_paused_world_takes_results_and_evaluates_them_on_resume(ready: ApiClient) -> None:
    move_world(ready, "PAUSED")
    assert ready.submit("alpha", "mom", results()).status_code == 202
    assert (ready.evaluate("alpha"), statuses()) == (0, {"r1": "evaluating"})
    move_world(ready, "ACTIVE")
    assert (ready.evaluate("alpha"), statuses()) == (1, {"r1": "evaluated"})


def test_a_retired_world_leaves_no_run_open(ready: ApiClient) -> None:
    move_world(ready, "PAUSED")
    ready.submit("alpha", "mom", results())
    ready.post(RUNS, {"run_id": "waiting"})
    move_world(ready, "RETIRED")
    while relay_all():
        pass
    assert statuses() == {"r1": "expired", "waiting": "expired"}
    (run,) = body(ready.get(f"{RUNS}?limit=1"))["items"]
    assert run["status_reason"] == "the world is retired"


def test_runs_of_a_long_pause_are_not_expired_before_they_are_evaluated(ready: ApiClient) -> None:
    move_world(ready, "PAUSED")
    ready.submit("alpha", "mom", results())
    with later(hours=72):
        assert expire_stale_runs() == 0
        move_world(ready, "ACTIVE")
        assert expire_stale_runs() == 0
        assert ready.evaluate("alpha") == 1


WRITES = [
    ("PATCH", "/worlds/alpha", {"name": "B"}),
    ("DELETE", "/worlds/alpha", None),
    ("POST", "/worlds/alpha/state", {"state": "ACTIVE", "reason": "a test"}),
    ("POST", "/worlds/alpha/policy", {"version": 1}),
    ("POST", "/worlds/alpha/policies", {"version": 1}),
    ("POST", "/worlds/alpha/policies/1/activate", {}),
    ("POST", "/worlds/alpha/bindings", {"strategies": ["mom"]}),
    ("POST", RUNS, {"run_id": "r9"}),
    ("POST", f"{RUNS}/open/results", results()),
    ("PATCH", f"{RUNS}/open", {"status": "backtest_running"}),
]


def test_a_retired_world_only_takes_reads(ready: ApiClient, judge: Judge) -> None:
    judge()
    ready.post(RUNS, {"run_id": "open"})
    assert body(ready.delete("/worlds/alpha"))["state"] == "RETIRED"
    for method, path, document in WRITES:
        with nothing_written():
            assert refusal(ready.call(method, path, document)) == (409, "E_WORLD_RETIRED"), path
    assert ready.get(f"{RUNS}/r1/metrics").status_code == 200
    assert binding(ready) == "archived"


def test_a_retired_world_is_not_evaluated(ready: ApiClient) -> None:
    ready.submit("alpha", "mom", results())
    ready.delete("/worlds/alpha")
    assert ready.evaluate("alpha") == 0


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        ("ACTIVE", None, 409),
        ("PAUSED", "PAUSED", 409),
        ("Paused", "EvalOnly", 200),
        ("EvalOnly", "Active", 200),
    ],
)
def test_a_world_moves_by_its_lifecycle_only(
    ready: ApiClient, first: str, second: str | None, status: int
) -> None:
    answers = [move_world(ready, state) for state in (first, second) if state]
    assert answers[-1].status_code == status
    if status == 409:
        assert refusal(answers[-1]) == (409, "E_ILLEGAL_TRANSITION")


# --- bindings -----------------------------------------------------------------------------------------
def test_the_first_run_binds_its_strategy(ready: ApiClient) -> None:
    ready.post(RUNS, {"run_id": "r1"})
    assert binding(ready) == "submitted"
    ready.post(f"{RUNS}/r1/results", results())
    assert binding(ready) == "validating"


def test_a_rejected_binding_is_resubmitted_by_its_next_backtest(ready: ApiClient, judge: Judge) -> None:
    judge(POOR)
    assert binding(ready) == "rejected"
    ready.post(RUNS, {"run_id": "r2"})
    assert binding(ready) == "submitted"
    ready.post(f"{RUNS}/r2/results", results())
    ready.evaluate("alpha")
    assert binding(ready) == "dry_run"


def test_a_run_that_was_open_when_another_failed_gives_another_chance(ready: ApiClient, judge: Judge) -> None:
    ready.post(RUNS, {"run_id": "slow"})
    judge(POOR, run_id="r1")
    ready.post(f"{RUNS}/slow/results", results())
    ready.evaluate("alpha")
    assert binding(ready) == "dry_run"


def test_a_failing_backtest_leaves_a_running_binding_alone(ready: ApiClient, judge: Judge) -> None:
    judge(run_id="r1")
    judge(POOR, run_id="r2")
    assert (binding(ready), statuses()["r2"]) == ("dry_run", "rejected")


def test_a_failing_paper_run_is_evaluated_and_not_rejected_at_once(ready: ApiClient, judge: Judge) -> None:
    profile = {"performance": {"sharpe_min": 0.5}}
    ready.post(
        "/worlds/alpha/policy", {"version": 1, "validation_profiles": {"backtest": {}, "paper": profile}}
    )
    judge(run_id="b1")
    assert judge(POOR, run_id="p1", stage="paper")["summary"]["status"] == "fail"
    assert statuses()["p1"] == "evaluated"


@pytest.mark.parametrize("stage", ["paper", "live"])
def test_a_paper_run_needs_a_binding(ready: ApiClient, stage: str) -> None:
    with nothing_written():
        assert refusal(ready.post(RUNS, {"stage": stage})) == (404, "E_NOT_FOUND")


# --- runs ---------------------------------------------------------------------------------------------
def test_progress_is_reported_once_and_refreshed(ready: ApiClient) -> None:
    ready.post(RUNS, {"run_id": "r1"})
    first = body(ready.patch(f"{RUNS}/r1", {"status": "backtest_running"}))
    again = body(ready.patch(f"{RUNS}/latest", {"status": "backtest_running"}))
    assert (first["status"], first["phase"]) == ("backtest_running", "backtest")
    assert again["updated_at"] > first["updated_at"]
    assert len(body(ready.get("/worlds/alpha/audit?action=run.start_backtest"))["items"]) == 1


@pytest.mark.parametrize("status", ["evaluated", "submitted", "expired", "", 1])
def test_no_other_status_can_be_reported(ready: ApiClient, status: Any) -> None:
    ready.post(RUNS, {"run_id": "r1"})
    assert refusal(ready.patch(f"{RUNS}/r1", {"status": status})) == (422, "E_VALIDATION")


def test_latest_is_the_newest_run_of_a_stage(ready: ApiClient, judge: Judge) -> None:
    judge(run_id="b1")
    judge(run_id="p1", stage="paper")
    ready.post(RUNS, {"run_id": "b2"})
    found = [
        body(ready.get(f"{RUNS}/latest{query}"))["run_id"]
        for query in ("", "?stage=paper", "?stage=backtest")
    ]
    assert found == ["b2", "p1", "b2"]
    assert body(ready.get(f"{RUNS}/latest/metrics?stage=paper"))["run_id"] == "p1"
    assert refusal(ready.get(f"{RUNS}/latest/metrics")) == (409, "E_RUN_NOT_EVALUATED")
    assert refusal(ready.get(f"{RUNS}/latest?stage=live")) == (404, "E_NOT_FOUND")


def test_a_newer_verdict_supersedes_the_older_of_its_stage(ready: ApiClient, judge: Judge) -> None:
    judge(run_id="b1")
    judge(run_id="p1", stage="paper")
    judge(run_id="b2")
    assert statuses() == {"b1": "expired", "p1": "evaluated", "b2": "evaluated"}
    older = body(ready.get(f"{RUNS}/b1"))
    assert (older["status_reason"], older["activation_state"]) == ("superseded by run b2", "expired")
    assert body(ready.get(f"{RUNS}/b1/metrics"))["status"] == "evaluated"


@pytest.mark.parametrize("status", ["submitted", "backtest_running", "evaluating"])
def test_a_run_without_progress_expires_with_its_reason(ready: ApiClient, status: str) -> None:
    ready.post(RUNS, {"run_id": "r1"})
    if status == "backtest_running":
        ready.patch(f"{RUNS}/r1", {"status": status})
    if status == "evaluating":
        ready.post(f"{RUNS}/r1/results", results())
    with later(hours=23.9):
        assert expire_stale_runs() == 0
    with later(hours=24.1):
        assert expire_stale_runs() == 1
    run = body(ready.get(f"{RUNS}/r1"))
    assert (run["status"], status in run["status_reason"]) == ("expired", True)
    assert refusal(ready.post(f"{RUNS}/r1/results", results())) == (409, "E_RUN_FINAL")


def test_progress_renews_the_time_to_live(ready: ApiClient) -> None:
    ready.post(RUNS, {"run_id": "r1"})
    with later(hours=20):
        ready.patch(f"{RUNS}/r1", {"status": "backtest_running"})
    with later(hours=30):
        assert expire_stale_runs() == 0


def test_the_time_to_live_is_a_setting(ready: ApiClient, settings: Any) -> None:
    settings.RUN_TTL = timedelta(minutes=1)
    ready.post(RUNS, {"run_id": "r1"})
    with later(hours=0.1):
        assert expire_stale_runs() == 1


def test_a_judged_run_does_not_expire_by_time(ready: ApiClient, judge: Judge) -> None:
    judge()
    with later(hours=1000):
        assert expire_stale_runs() == 0
