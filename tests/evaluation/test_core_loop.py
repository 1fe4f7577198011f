"""The core loop through the API: submit, wait, judge, read."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import ApiClient, body, results, returns

RUN = "/worlds/alpha/strategies/mom/runs/r1"


def test_a_good_record_passes_and_starts_its_dry_run(root: ApiClient) -> None:
    root.make_world()
    root.make_strategy()
    answer = root.submit("alpha", "mom", results())
    assert answer.status_code == 202
    assert body(answer)["status"] == "evaluating"
    assert root.evaluate("alpha") == 1
    run = body(root.get(RUN))
    assert run["status"] == "evaluated"
    assert run["summary"]["status"] == "pass"
    metrics = body(root.get(run["links"]["metrics"]))
    assert metrics["evaluation"]["gating"]["verdict"] == "valid"
    (binding,) = body(root.get("/worlds/alpha/bindings"))["items"]
    assert binding["state"] == "dry_run"


def test_a_poor_record_fails_and_is_rejected(root: ApiClient) -> None:
    root.make_world()
    root.make_strategy()
    root.submit("alpha", "mom", results(returns(mean=-0.0002)))
    root.evaluate("alpha")
    run = body(root.get(RUN))
    assert (run["status"], run["summary"]["status"]) == ("rejected", "fail")
    assert "sharpe" in run["summary"]["violations"][0]["reason"]


def test_metrics_are_refused_until_the_run_is_evaluated(root: ApiClient) -> None:
    root.make_world()
    root.make_strategy()
    root.submit("alpha", "mom", results())
    answer = root.get(f"{RUN}/metrics")
    assert (answer.status_code, body(answer)["code"]) == (409, "E_RUN_NOT_EVALUATED")


@pytest.mark.parametrize(
    "fields",
    [
        {"meta": {"search_intensity": 500}},
        {"metrics": {"diagnostics": {"search_intensity": 500}}},
    ],
)
def test_a_declared_search_deflates_the_sharpe_when_it_is_larger_than_what_was_seen(
    root: ApiClient, fields: dict[str, Any]
) -> None:
    root.make_world()
    root.make_strategy()
    root.submit("alpha", "mom", results(**fields))
    root.evaluate("alpha")
    evaluation = body(root.get(f"{RUN}/metrics"))["evaluation"]
    robustness = evaluation["robustness"]
    diagnostics = evaluation["diagnostics"]
    assert (diagnostics["trials_counted"], diagnostics["trials_used"]) == (1, 500)
    assert robustness["deflated_sharpe_ratio"] < robustness["probabilistic_sharpe_ratio"]
