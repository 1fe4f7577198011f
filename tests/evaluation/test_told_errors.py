"""A strategy whose own code fails: the run is judged, fails, says why, and stands like any other evidence."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from evaluation.models import EvaluationRun, Trial
from qmtl_site.audit.models import AuditEntry
from strategies.models import Binding
from tests.api import ApiClient, body, results, returns
from tests.evaluation.conftest import Judge
from tests.problem import nothing_written, pointer, refusal

RUNS = "/worlds/alpha/strategies/mom/runs"
TRACE = (
    'Traceback (most recent call last):\n  File "mine.py", line 9, in decide\n    1 / 0\nZeroDivisionError'
)
ERROR = {
    "kind": "node",
    "node": "weights",
    "at": "2020-01-06T00:00:00Z",
    "message": "ZeroDivisionError: division by zero",
    "traceback": TRACE,
}
WORDS = "node 'weights' failed at 2020-01-06T00:00:00Z: ZeroDivisionError: division by zero"


def error(**fields: Any) -> dict[str, Any]:
    return {"error": {key: value for key, value in {**ERROR, **fields}.items() if value is not None}}


# --- the verdict ------------------------------------------------------------------------------------------
def test_it_is_a_failed_verdict_that_says_what_failed(ready: ApiClient, judge: Judge) -> None:
    metrics = judge(error())
    assert metrics["validation"]["error"] == ERROR
    assert metrics["summary"]["status"] == "fail"
    assert metrics["summary"]["recommended_stage"] == "backtest_only"
    assert metrics["evaluation"]["gating"]["verdict"] == "invalid"
    (violation,) = metrics["summary"]["violations"]
    assert (violation["rule"], violation["reason_code"]) == ("evaluation", "evaluation.error")
    assert violation["reason"] == WORDS
    run = body(ready.get(f"{RUNS}/r1"))
    assert (run["status"], run["activation_state"], run["status_reason"]) == ("rejected", "rejected", WORDS)
    assert {ready.get(link).status_code for link in run["links"].values()} == {200}


def test_a_run_that_ran_to_its_end_tells_no_error(judge: Judge) -> None:
    assert "error" not in judge()["validation"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"at": None}, "node 'weights' failed: ZeroDivisionError: division by zero"),
        ({"kind": "strategy", "node": None, "at": None, "message": "setup of Mine: no\n such\tthing"},
         "the strategy's own code failed: setup of Mine: no such thing"),
        ({"kind": "data", "node": None, "message": "a gap", "traceback": None},
         "the data cannot be used at 2020-01-06T00:00:00Z: a gap"),
        ({"at": "2020-01-06T09:00:00+09:00"}, WORDS),
    ],
)  # fmt: skip
def test_each_kind_is_told_in_a_line(judge: Judge, fields: dict[str, Any], words: str) -> None:
    assert judge(error(**fields))["summary"]["violations"][0]["reason"] == words


def test_a_long_message_stands_whole_in_the_document_and_short_in_a_line(judge: Judge) -> None:
    metrics = judge(error(message="x" * 2000, traceback="y" * 20_000))
    assert metrics["validation"]["error"]["message"] == "x" * 2000
    assert len(metrics["summary"]["violations"][0]["reason"]) == 500


def test_without_a_policy_it_fails_as_well(root: ApiClient) -> None:
    root.make_world(policy=None)
    root.make_strategy()
    root.submit("alpha", "mom", error())
    root.evaluate("alpha")
    assert body(root.get(f"{RUNS}/r1"))["summary"]["status"] == "fail"


def test_it_is_told_to_whoever_follows_the_world(ready: ApiClient, judge: Judge) -> None:
    judge(error())
    events = body(ready.get("/worlds/alpha/events?after=0"))["events"]
    told = [each["data"] for each in events if each["type"].endswith("evaluation_run.updated")]
    (last,) = [each for each in told if each["status"] == "rejected"]
    assert (last["verdict"], last["reason"]) == ("fail", WORDS)
    assert AuditEntry.objects.filter(action="run.reject", object_id="alpha/mom/r1").exists()


def test_it_is_no_trial_of_the_family(judge: Judge) -> None:
    judge(error())
    assert not Trial.objects.exists()


def test_one_that_failed_leaves_the_others_of_its_batch_alone(ready: ApiClient) -> None:
    ready.make_strategy("calm")
    ready.submit("alpha", "mom", error())
    ready.submit("alpha", "calm", results())
    assert ready.evaluate("alpha") == 2
    found = {run.strategy_id: run.result.verdict for run in EvaluationRun.objects.all()}
    assert found == {"mom": "fail", "calm": "pass"}


# --- what follows -----------------------------------------------------------------------------------------
def state() -> str:
    return Binding.objects.get(strategy_id="mom").state


def test_a_first_backtest_that_failed_rejects_its_binding_and_a_mended_one_passes(judge: Judge) -> None:
    judge(error())
    assert state() == "rejected"
    assert judge(run_id="r2")["summary"]["status"] == "pass"
    assert state() == "dry_run"
    assert EvaluationRun.objects.get(run_id="r1").status == "expired"


def test_what_waited_together_with_its_mended_version_passes(ready: ApiClient) -> None:
    ready.submit("alpha", "mom", error())
    ready.submit("alpha", "mom", results(), run_id="r2")
    ready.evaluate("alpha")
    assert state() == "dry_run"


def test_a_later_failure_takes_nothing_from_a_dry_run(judge: Judge) -> None:
    judge()
    judge(error(), run_id="r2")
    assert state() == "dry_run"
    assert Binding.objects.get(strategy_id="mom").latest.verdict == "fail"


# --- the same again, and other ways there -------------------------------------------------------------------
def test_the_same_error_under_the_same_id_is_the_same_run(ready: ApiClient) -> None:
    first = ready.submit("alpha", "mom", error())
    again = ready.submit("alpha", "mom", error())
    assert (first.status_code, again.status_code) == (202, 200)
    ready.evaluate("alpha")
    assert ready.submit("alpha", "mom", error()).status_code == 200
    assert refusal(ready.submit("alpha", "mom", error(message="other"))) == (409, "E_RUN_CONFLICT")
    assert EvaluationRun.objects.count() == 1


def test_an_error_ends_a_run_that_was_under_way(ready: ApiClient) -> None:
    ready.post(RUNS, {"run_id": "r1"})
    ready.patch(f"{RUNS}/r1", {"status": "backtest_running"})
    for _ in range(2):
        assert ready.post(f"{RUNS}/r1/results", error(), ).status_code == 202  # fmt: skip
    assert refusal(ready.post(f"{RUNS}/r1/results", error(message="other"))) == (409, "E_RUN_CONFLICT")
    ready.evaluate("alpha")
    assert body(ready.get(f"{RUNS}/r1"))["status"] == "rejected"
    assert refusal(ready.post(f"{RUNS}/r1/results", results())) == (409, "E_RUN_FINAL")


def test_meta_goes_with_it(ready: ApiClient, judge: Judge) -> None:
    metrics = judge(error() | {"meta": {"code_hash": "abc", "dataset_fingerprint": "f", "tags": ["t"]}})
    assert metrics["evaluation"]["diagnostics"]["dataset_fingerprint"] == "f"
    assert EvaluationRun.objects.get().code_hash == "abc"
    snapshot = body(ready.get("/worlds/alpha/snapshots/alpha-mom-r1"))
    assert (snapshot["metrics"], snapshot["meta"]["tags"]) == (metrics, ["t"])
    assert snapshot["series_heads"]["returns"] == []


# --- what is no error ---------------------------------------------------------------------------------------
BESIDE: dict[str, Any] = {
    "returns": results()["returns"],
    "equity": {"values": [1.0, 2.0], "start": "2020-01-01", "interval": "1d"},
    "pnl": {"values": [1.0], "starting_capital": 1, "start": "2020-01-01", "interval": "1d"},
    "trades": {"count": 1},
    "metrics": {"returns": {"sharpe": 9.0}},
    "risk": {"adv_utilization_p95": 0.1},
    "benchmark_returns": {"values": returns(5), "start": "2020-01-01", "interval": "1d"},
}
BAD = {
    **{f"beside {name}": (error() | {name: value}, f"/{name}") for name, value in BESIDE.items()},
    "beside empty metrics": (error() | {"metrics": {}}, "/metrics"),
    "no kind": (error(kind=None), "/error/kind"),
    "an unknown kind": (error(kind="weather"), "/error/kind"),
    "no message": (error(message=None), "/error/message"),
    "an empty message": (error(message=" \n"), "/error/message"),
    "a message that is none": (error(message=7), "/error/message"),
    "a message too long": (error(message="x" * 2001), "/error/message"),
    "a traceback too long": (error(traceback="x" * 20_001), "/error/traceback"),
    "a traceback that is a list": (error(traceback=["x"]), "/error/traceback"),
    "no node": (error(node=None), "/error/node"),
    "an empty node": (error(node=""), "/error/node"),
    "a node too long": (error(node="n" * 257), "/error/node"),
    "a node of the strategy": (error(kind="strategy"), "/error/node"),
    "a node of the data": (error(kind="data"), "/error/node"),
    "a time that is none": (error(at="soon"), "/error/at"),
    "a time as a number": (error(at=1.0), "/error/at"),
    "a time out of time": (error(at="0001-01-01T00:00:00+14:00"), "/error/at"),
    "local variables": (error(locals={"password": "x"}), "/error/locals"),
    "a text": ({"error": "it failed"}, "/error"),
    "nothing": ({"error": None}, ""),
}


@pytest.mark.parametrize(("posted", "place"), BAD.values(), ids=BAD.keys())
def test_what_is_no_error_is_refused_with_its_place(ready: ApiClient, posted: Any, place: str) -> None:
    with nothing_written():
        answer = ready.submit("alpha", "mom", posted)
    assert refusal(answer) == (422, "E_VALIDATION")
    assert pointer(answer) == f"/results{place}"


def test_a_nul_is_refused(ready: ApiClient) -> None:
    with nothing_written():
        assert ready.submit("alpha", "mom", error(message="a\0b")).status_code == 400


# --- pages --------------------------------------------------------------------------------------------------
def test_the_page_of_the_run_shows_where_it_failed(
    ready: ApiClient, judge: Judge, client: Client, superuser: Any
) -> None:
    judge(error(traceback="<script>alert(1)</script>"))
    client.force_login(superuser)
    page = client.get(reverse("admin:evaluation_evaluationrun_change", args=[EvaluationRun.objects.get().pk]))
    text = page.content.decode()
    assert page.status_code == 200
    assert "node <code>weights</code>" in text
    assert "&lt;script&gt;alert(1)" in text
    assert "Equity and drawdown" not in text
    assert "<script>alert(1)" not in text
    listed = client.get(reverse("admin:evaluation_evaluationrun_changelist"))
    assert "mom" in listed.content.decode()


def test_another_policy_does_not_let_it_through(ready: ApiClient, judge: Judge) -> None:
    judge(error())
    lax = {"version": 1, "validation_profiles": {"backtest": {"performance": {"sharpe_min": -9.0}}}}
    ready.post("/worlds/alpha/policies", lax)
    runs = body(ready.post("/worlds/alpha/policies/2/impact", {}))["runs"]
    assert (runs["runs"], runs["changed"]["verdict"]) == (1, 0)
