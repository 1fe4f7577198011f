"""What the policy makes of a run's figures: the default record has a Sharpe of 1.27 over two years."""

from __future__ import annotations

from typing import Any

import pytest

from evaluation.domain.rules.performance import Performance
from tests.api import POLICY, ApiClient, body, results, returns
from tests.evaluation.conftest import Judge

NO_TRADES = {"returns": results()["returns"]}


def policy(
    *, validation: dict[str, str] | None = None, stage: str = "backtest", **sections: Any
) -> dict[str, Any]:
    """A policy whose profile for the stage has these sections, and nothing by default."""
    nothing = {
        "sample": {"min_effective_years": None, "min_trades_total": None},
        "performance": {"sharpe_min": None, "max_dd_max": None, "gain_to_pain_min": None},
        "robustness": {"dsr_min": None},
    }
    return {
        "version": 1,
        "validation": validation or {},
        "validation_profiles": {stage: {**nothing, **sections}},
    }


def performance(sharpe_min: float, **how: str) -> dict[str, Any]:
    return {"sharpe_min": sharpe_min, "max_dd_max": None, "gain_to_pain_min": None, **how}


def binding_state(client: ApiClient) -> str:
    (binding,) = body(client.get("/worlds/alpha/bindings"))["items"]
    state: str = binding["state"]
    return state


@pytest.mark.parametrize(
    ("sections", "status", "binding"),
    [
        ({"performance": performance(1.0)}, "pass", "dry_run"),
        ({"performance": performance(1.5)}, "fail", "rejected"),
        ({"performance": performance(1.5, severity="soft")}, "warn", "dry_run"),
        ({"performance": performance(1.5, severity="info")}, "pass", "dry_run"),
        ({"performance": performance(1.5, mode="shadow")}, "pass", "dry_run"),
        ({"performance": performance(1.5, mode="shadow", severity="soft")}, "pass", "dry_run"),
        ({"sample": {"min_effective_years": 3.0, "min_trades_total": None}}, "warn", "dry_run"),
        ({"sample": {"min_effective_years": 3.0, "severity": "blocking"}}, "fail", "rejected"),
        ({"robustness": {"dsr_min": 0.999}}, "warn", "dry_run"),
        ({"risk": {"adv_utilization_p95_max": 0.1}}, "fail", "rejected"),
    ],
)
def test_a_section_decides_by_its_severity_and_mode(
    ready: ApiClient, judge: Judge, sections: dict[str, Any], status: str, binding: str
) -> None:
    assert ready.post("/worlds/alpha/policy", policy(**sections)).status_code == 201
    assert judge()["summary"]["status"] == status
    assert binding_state(ready) == binding


@pytest.mark.parametrize(
    ("severity", "on_missing", "status"),
    [
        ("blocking", "fail", "fail"),
        ("blocking", "warn", "inconclusive"),
        ("blocking", "ignore", "pass"),
        ("soft", "fail", "warn"),
        ("soft", "warn", "warn"),
        ("soft", "ignore", "pass"),
        ("info", "fail", "pass"),
        ("info", "warn", "pass"),
    ],
)
def test_a_missing_figure_is_treated_as_the_policy_says(
    ready: ApiClient, judge: Judge, severity: str, on_missing: str, status: str
) -> None:
    sample = {"min_effective_years": 1.0, "min_trades_total": 10, "severity": severity}
    ready.post("/worlds/alpha/policy", policy(validation={"on_missing_metric": on_missing}, sample=sample))
    metrics = judge(NO_TRADES)
    assert metrics["summary"]["status"] == status
    (trades,) = [
        c for c in metrics["validation"]["results"]["sample"]["details"]["checks"] if "trades" in c["key"]
    ]
    assert (trades["status"], trades["value"]) == ("missing", None)


def test_when_all_figures_of_a_rule_are_missing_and_ignored_it_is_inconclusive(
    ready: ApiClient, judge: Judge
) -> None:
    sample = {"min_effective_years": None, "min_trades_total": 10, "severity": "blocking"}
    ready.post("/worlds/alpha/policy", policy(validation={"on_missing_metric": "ignore"}, sample=sample))
    assert judge(NO_TRADES)["summary"]["status"] == "inconclusive"


@pytest.mark.parametrize(("on_error", "status"), [("fail", "fail"), ("warn", "warn")])
def test_a_rule_that_raises_is_treated_as_the_policy_says(
    ready: ApiClient, judge: Judge, monkeypatch: pytest.MonkeyPatch, on_error: str, status: str
) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError("in the rule")

    monkeypatch.setattr(Performance, "judge", broken)
    document = policy(validation={"on_error": on_error}, performance=performance(1.0))
    ready.post("/worlds/alpha/policy", document)
    metrics = judge()
    result = metrics["validation"]["results"]["performance"]
    assert metrics["summary"]["status"] == status
    assert (result["reason_code"], "in the rule" in result["reason"]) == ("performance.rule_error", True)
    assert metrics["evaluation"]["diagnostics"]["validation_health"]["validation_error_count"] == 1


def test_a_shadow_section_is_recorded_and_decides_nothing(ready: ApiClient, judge: Judge) -> None:
    ready.post("/worlds/alpha/policy", policy(performance=performance(1.5, mode="shadow")))
    metrics = judge()
    result = metrics["validation"]["results"]["performance"]
    assert (result["status"], result["mode"]) == ("fail", "shadow")
    assert metrics["evaluation"]["gating"] == {
        **metrics["evaluation"]["gating"],
        "verdict": "valid",
        "violations": [],
    }


def test_a_violation_brings_figure_bound_and_margin(ready: ApiClient, judge: Judge) -> None:
    ready.post("/worlds/alpha/policy", policy(performance=performance(1.5)))
    (violation,) = judge()["summary"]["violations"]
    assert violation["metric"] == "returns.sharpe"
    assert violation["value"] - violation["bound"] == pytest.approx(violation["margin"])
    assert (violation["rule"], violation["severity"], violation["owner"]) == (
        "performance",
        "blocking",
        "quant",
    )


def test_blocking_violations_come_first(ready: ApiClient, judge: Judge) -> None:
    sample = {"min_effective_years": 3.0, "min_trades_total": None}
    ready.post("/worlds/alpha/policy", policy(sample=sample, performance=performance(1.5)))
    assert [v["severity"] for v in judge()["summary"]["violations"]] == ["blocking", "soft"]


def test_without_a_policy_nothing_is_known_and_the_binding_goes_on_validating(root: ApiClient) -> None:
    root.make_world(policy=None)
    root.make_strategy()
    root.submit("alpha", "mom", results())
    root.evaluate("alpha")
    metrics = body(root.get("/worlds/alpha/strategies/mom/runs/r1/metrics"))
    assert (metrics["summary"]["status"], metrics["validation"]["policy_version"]) == ("inconclusive", None)
    assert metrics["evaluation"]["gating"]["verdict"] == "invalid"
    assert binding_state(root) == "validating"


def test_a_stage_without_a_profile_is_not_judged_by_another_s(ready: ApiClient, judge: Judge) -> None:
    judge()
    metrics = judge(run_id="p1", stage="paper")
    assert metrics["summary"]["status"] == "inconclusive"
    assert metrics["summary"]["violations"][0]["reason_code"] == "profile.absent"
    assert metrics["validation"]["policy_version"] == 1


def test_a_later_run_settles_a_binding_that_an_inconclusive_one_left(root: ApiClient) -> None:
    root.make_world(policy=None)
    root.make_strategy()
    root.submit("alpha", "mom", results())
    root.evaluate("alpha")
    root.post("/worlds/alpha/policy", POLICY)
    root.submit("alpha", "mom", results(), run_id="r2")
    root.evaluate("alpha")
    assert binding_state(root) == "dry_run"


PAPER = policy(stage="paper", performance=performance(1.0))


@pytest.mark.parametrize(
    ("gates", "status", "stage", "verdict"),
    [
        ("sharpe >= 1", "pass", "paper_ok_live_candidate", "valid"),
        ("sharpe >= 1 and 28d.total_return > -1", "pass", "paper_ok_live_candidate", "valid"),
        ("extra.conviction > 0.5", "pass", "paper_ok_live_candidate", "valid"),
        ("sharpe >= 5", "warn", "paper_only", "invalid"),
        ("extra.unheard > 1", "warn", "paper_only", "invalid"),
        ("extra.unheard > 1 or sharpe >= 1", "pass", "paper_ok_live_candidate", "valid"),
    ],
)
def test_gates_are_asked_of_a_paper_run(
    ready: ApiClient, judge: Judge, gates: str, status: str, stage: str, verdict: str
) -> None:
    judge(run_id="b1")
    assert ready.post("/worlds/alpha/policy", {**PAPER, "selection": {"gates": gates}}).status_code == 201
    metrics = judge(results(meta={"extra_metrics": {"conviction": 0.7}}), run_id="p1", stage="paper")
    summary = metrics["summary"]
    assert (summary["status"], summary["recommended_stage"]) == (status, stage)
    assert metrics["evaluation"]["gating"]["verdict"] == verdict


def test_a_backtest_is_not_asked_for_its_gates(ready: ApiClient, judge: Judge) -> None:
    ready.post("/worlds/alpha/policy", {**POLICY, "selection": {"gates": "sharpe >= 5"}})
    assert "gates" not in judge()["validation"]["results"]


def test_a_result_keeps_the_policy_that_it_was_judged_by(ready: ApiClient, judge: Judge) -> None:
    before = judge()["validation"]
    ready.post("/worlds/alpha/policy", policy(performance=performance(9.0)))
    after = judge(results(returns(seed=4)), run_id="r2")["validation"]
    kept = body(ready.get("/worlds/alpha/strategies/mom/runs/r1/metrics"))["validation"]
    assert kept == before
    assert [kept["policy_version"], after["policy_version"]] == [1, 2]
    assert kept["ruleset_hash"] != after["ruleset_hash"]


def test_the_same_policy_again_has_the_same_ruleset(ready: ApiClient, judge: Judge) -> None:
    before = judge()["validation"]["ruleset_hash"]
    ready.post("/worlds/alpha/policy", POLICY)
    assert judge(run_id="r2")["validation"]["ruleset_hash"] == before


def test_a_rollback_judges_by_the_older_version_again(ready: ApiClient, judge: Judge) -> None:
    ready.post("/worlds/alpha/policy", policy(performance=performance(9.0)))
    ready.post("/worlds/alpha/policies/1/activate", {"reason": "too strict"})
    assert judge()["validation"]["policy_version"] == 1
    found = body(ready.get("/worlds/alpha/audit?action=policy.rollback"))["items"]
    assert [row["details"]["reason"] for row in found] == ["too strict"]


def test_a_draft_judges_nobody(ready: ApiClient, judge: Judge) -> None:
    ready.post("/worlds/alpha/policies", policy(performance=performance(9.0)))
    assert judge()["validation"]["policy_version"] == 1
