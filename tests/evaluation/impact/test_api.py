"""POST /worlds/{w}/policies/{v}/impact."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from qmtl_site.blobs import store
from qmtl_site.blobs.models import Blob
from tests.api import ApiClient, body, results, returns
from tests.evaluation.impact.conftest import Ask, draft, policy, submitted
from tests.problem import nothing_written, pointer, refusal
from tests.statements import counted_statements

IMPACT = "/worlds/alpha/policies/1/impact"


def test_a_stricter_bound_fails_the_run_that_passed(ask: Ask) -> None:
    runs = ask(policy(sharpe_min=1.5))["runs"]
    assert (runs["runs"], runs["impact_ratio"]) == (1, 1.0)
    assert runs["changed"] == {"impacted": 1, "verdict": 1, "recommended_stage": 1, "reasons": 1}
    assert runs["moves"] == [{"old": "pass", "new": "fail", "runs": 1}]
    assert runs["reasons"] == {"performance.sharpe_min": {"old": 0, "new": 1}}
    (change,) = runs["changes"]
    assert (change["strategy_id"], change["run_id"], change["stage"]) == ("mom", "r1", "backtest")
    assert change["new"] == {
        "verdict": "fail",
        "recommended_stage": "backtest_only",
        "reasons": ["performance.sharpe_min"],
    }


def test_the_active_version_against_itself_changes_nothing(judged: ApiClient) -> None:
    impact = body(judged.post(IMPACT, {"scenarios": ["all"]}))
    assert impact["policy"] == {"old": 1, "new": 1}
    assert impact["impact_ratio"] == 0
    assert impact["runs"]["changes"] == impact["bindings"]["changes"] == []


def test_other_reasons_for_the_same_verdict_are_told_and_have_no_impact(judged: ApiClient, ask: Ask) -> None:
    judged.post("/worlds/alpha/policy", policy(sample={"min_effective_years": 50.0}))
    runs = ask(policy(sample={"min_trades_total": 1000}))["runs"]
    assert runs["changed"] == {"impacted": 0, "verdict": 0, "recommended_stage": 0, "reasons": 1}
    assert runs["impact_ratio"] == 0
    assert [change["new"]["reasons"] for change in runs["changes"]] == [["sample.min_trades_total"]]


def test_without_an_active_policy_everything_was_inconclusive(root: ApiClient) -> None:
    root.make_world(policy=None)
    root.make_strategy()
    submitted(root, "mom", "r1")
    version = draft(root, policy())
    impact = body(root.post(f"/worlds/alpha/policies/{version}/impact", {}))
    assert impact["policy"] == {"old": None, "new": version}
    assert impact["runs"]["moves"] == [{"old": "inconclusive", "new": "pass", "runs": 1}]
    assert impact["runs"]["reasons"]["policy.absent"] == {"old": 1, "new": 0}


@pytest.mark.parametrize(("days", "runs"), [(30, 1), (100, 1), (130, 2)])
def test_runs_are_those_that_were_judged_in_the_last_days(root: ApiClient, days: int, runs: int) -> None:
    root.make_world(policy=policy())
    root.make_strategy()
    with time_machine.travel(datetime.now(UTC) - timedelta(days=120)):
        submitted(root, "mom", "r1")
    submitted(root, "mom", "r2")
    assert body(root.post(IMPACT, {"days": days}))["runs"]["runs"] == runs


def test_a_run_that_brought_metrics_only_is_judged_by_them(judged: ApiClient, ask: Ask) -> None:
    brought = {"metrics": {"returns": {"sharpe": 2.0, "max_drawdown": -0.1}}}
    submitted(judged, "mom", "r2", results=brought)
    stored = body(judged.get("/worlds/alpha/strategies/mom/runs/r2/metrics"))["summary"]["status"]
    runs = ask(policy(sharpe_min=1.5))["runs"]
    assert stored == "warn"
    assert runs["moves"] == [{"old": "pass", "new": "fail", "runs": 1}]
    assert runs["verdicts"]["warn"] == {"old": 1, "new": 1}


WINDOWED = "28d.total_return > -1 and worst.1w > -0.5 and pnl_daily_min < 0 and extra.conviction > 0.5"


def test_gates_read_the_stored_series_of_paper_runs(judged: ApiClient, ask: Ask) -> None:
    submitted(
        judged, "mom", "p1", stage="paper", results=results(meta={"extra_metrics": {"conviction": 0.7}})
    )
    submitted(judged, "mom", "p2", stage="paper", results=results(returns(seed=2)))
    stages = ask(policy(selection={"gates": WINDOWED}))["runs"]["recommended_stages"]
    assert stages["paper_ok_live_candidate"] == {"old": 0, "new": 1}
    assert stages["paper_only"] == {"old": 3, "new": 2}


def test_a_lost_series_leaves_its_figures_missing(judged: ApiClient, ask: Ask, monkeypatch: Any) -> None:
    submitted(judged, "mom", "p1", stage="paper")
    monkeypatch.setattr("qmtl_site.blobs.store.INLINE_BYTES", 0)
    submitted(judged, "mom", "p2", stage="paper", results=results(returns(seed=3)))
    forget_outside()
    stages = ask(policy(selection={"gates": "28d.total_return > -1"}))["runs"]["recommended_stages"]
    assert stages["paper_ok_live_candidate"]["new"] == 1


def forget_outside() -> None:
    """The store loses what is not in the database."""
    for name in Blob.objects.filter(data=None).values_list("sha256", flat=True):
        store.outside().delete(store.path_of(name))


def test_who_would_be_promoted_is_told_with_the_risk_of_it(judged: ApiClient, ask: Ask) -> None:
    submitted(judged, "mom", "p1", stage="paper")
    selection = {"gates": "sharpe >= 1", "top_k": {"k": 1}}
    bindings = ask(policy(selection=selection))["bindings"]
    assert [bindings[side]["promote"] for side in ("old", "new")] == [[], ["mom"]]
    assert bindings["new"]["weights"] == {"mom": 1.0}
    assert bindings["portfolio_risk"]["change"]["volatility"] == pytest.approx(0.01 * 252**0.5)
    (change,) = bindings["changes"]
    assert change["old"]["reasons"] == ["the policy has no gates, so nothing is promoted"]


def test_scenarios_are_judged_where_they_are_asked_for(ask: Ask) -> None:
    scenarios = ask(policy(sharpe_min=1.5), scenarios=["good", "known_bad"])["scenarios"]
    assert list(scenarios["sets"]) == ["good", "known_bad"]
    assert "slow_allocation" in scenarios["sets"]["good"]["misjudged"]["new"]
    assert ask(policy())["scenarios"] is None


def test_the_ratio_is_the_larger_one_of_runs_and_scenarios(ask: Ask) -> None:
    impact = ask(policy(sharpe_min=1.2), scenarios=["good"])
    assert impact["runs"]["impact_ratio"] == 0
    assert impact["impact_ratio"] == impact["scenarios"]["impact_ratio"] > 0


def test_a_question_writes_nothing(judged: ApiClient) -> None:
    submitted(judged, "mom", "p1", stage="paper")
    draft(judged, policy(sharpe_min=9.0, selection={"gates": "sharpe >= 0"}))
    with nothing_written():
        assert judged.post("/worlds/alpha/policies/2/impact", {"scenarios": ["all"]}).status_code == 200
    (binding,) = body(judged.get("/worlds/alpha/bindings"))["items"]
    assert binding["state"] == "dry_run"


@pytest.mark.parametrize("role", ["viewer", "operator", "risk", "owner", "runner", "submitter"])
def test_whoever_reads_the_world_may_ask(
    judged: ApiClient, someone: Callable[..., ApiClient], role: str
) -> None:
    assert someone("ann", world="alpha", roles=[role]).post(IMPACT, {}).status_code == 200


def test_a_stranger_finds_no_world(judged: ApiClient, someone: Callable[..., ApiClient]) -> None:
    assert refusal(someone("bob").post(IMPACT, {})) == (404, "E_NOT_FOUND")


@pytest.mark.parametrize("path", ["policies/9/impact", "policies/999999999/impact"])
def test_an_unknown_version_is_not_found(judged: ApiClient, path: str) -> None:
    assert refusal(judged.post(f"/worlds/alpha/{path}", {})) == (404, "E_NOT_FOUND")


def test_another_world_s_version_is_not_found(judged: ApiClient) -> None:
    judged.make_world("beta", policy=None)
    assert refusal(judged.post("/worlds/beta/policies/1/impact", {})) == (404, "E_NOT_FOUND")


@pytest.mark.parametrize(
    ("question", "place"),
    [
        ({"days": 0}, "/days"),
        ({"days": -1}, "/days"),
        ({"days": 3651}, "/days"),
        ({"days": 10**18}, "/days"),
        ({"days": "90"}, "/days"),
        ({"days": 1.5}, "/days"),
        ({"days": True}, "/days"),
        ({"days": None}, "/days"),
        ({"scenarios": "good"}, "/scenarios"),
        ({"scenarios": ["nice"]}, "/scenarios/0"),
        ({"scenarios": ["good", "Bad"]}, "/scenarios/1"),
        ({"scenarios": [1]}, "/scenarios/0"),
        ({"scenarios": ["good"] * 11}, "/scenarios"),
        ({"scenarios": ["x" * 65]}, "/scenarios/0"),
        ({"force": True}, "/force"),
    ],
)
def test_a_bad_question_is_refused_at_its_place(
    judged: ApiClient, question: dict[str, Any], place: str
) -> None:
    answer = judged.post(IMPACT, question)
    assert refusal(answer) == (422, "E_VALIDATION")
    assert pointer(answer) == place


def test_the_number_of_statements_does_not_grow_with_the_runs(
    judged: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft(judged, policy(selection={"gates": "28d.total_return > 0"}))
    submitted(judged, "mom", "p1", stage="paper")
    statements = counted_statements(monkeypatch)

    def asked() -> int:
        statements.clear()
        assert judged.post("/worlds/alpha/policies/2/impact", {}).status_code == 200
        return len(statements)

    asked()  # the policies' texts are fetched once
    few = asked()
    for number in range(2, 12):
        submitted(judged, "mom", f"p{number}", stage="paper", results=results(returns(seed=number)))
        judged.make_strategy(f"s{number}")
        submitted(judged, f"s{number}", "b1", results=results(returns(seed=100 + number)))
    assert asked() == few <= 20
