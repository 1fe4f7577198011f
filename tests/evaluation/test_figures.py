"""Where figures come from: returns, equity, pnl, the client, the benchmark, the family."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.api import POLICY, ApiClient, body, results, returns
from tests.evaluation.conftest import Judge

DAY = {"start": "2020-01-01", "interval": "1d"}
VALUES = returns(504)
EQUITY = (1000 * np.cumprod(1 + np.array(VALUES))).tolist()


@pytest.mark.parametrize(
    ("posted", "points"),
    [
        ({"returns": {"values": VALUES, **DAY}}, 504),
        ({"equity": {"values": EQUITY, "starting_capital": 1000, **DAY}}, 504),
        ({"equity": {"values": [1000, *EQUITY], **DAY}}, 504),
        ({"pnl": {"values": np.diff([1000, *EQUITY]).tolist(), "starting_capital": 1000, **DAY}}, 504),
    ],
    ids=["returns", "equity with capital", "equity", "pnl"],
)
def test_any_record_of_the_same_account_gives_the_same_figures(
    judge: Judge, posted: dict[str, Any], points: int
) -> None:
    evaluation = judge({**posted, "trades": {"count": 60}})["evaluation"]
    expected = np.mean(VALUES) / np.std(VALUES, ddof=1) * np.sqrt(252)
    assert evaluation["returns"]["sample_count"] == points
    assert evaluation["returns"]["sharpe"] == pytest.approx(expected, rel=1e-9)
    assert evaluation["returns"]["total_return"] == pytest.approx(EQUITY[-1] / 1000 - 1, rel=1e-9)


@pytest.mark.parametrize(
    ("posted", "source", "total"),
    [
        ({"returns": {"values": VALUES, **DAY}}, "simulated_from_returns", 10 * (EQUITY[-1] - 1000)),
        (
            {"equity": {"values": EQUITY, "starting_capital": 1000, **DAY}},
            "account_equity",
            EQUITY[-1] - 1000,
        ),
        (
            {"pnl": {"values": np.diff([1000, *EQUITY]).tolist(), "starting_capital": 1000, **DAY}},
            "account_pnl",
            EQUITY[-1] - 1000,
        ),
    ],
)
def test_pnl_is_of_the_account_or_simulated(
    ready: ApiClient, judge: Judge, posted: dict[str, Any], source: str, total: float
) -> None:
    assert judge(posted)["evaluation"]["pnl"]["pnl_total"] == pytest.approx(total)
    assert body(ready.get("/worlds/alpha/snapshots/alpha-mom-r1"))["meta"]["pnl_source"] == source


CLIENT = {
    "metrics": {
        "returns": {"sharpe": 2.0, "max_drawdown": -0.1},
        "sample": {"effective_history_years": 3.0, "n_trades_total": 60},
    }
}


def test_a_client_s_own_metrics_are_marked_and_never_promote(judge: Judge) -> None:
    metrics = judge(CLIENT)
    assert metrics["evaluation"]["returns"]["source"] == "client"
    assert metrics["evaluation"]["returns"]["sharpe"] == 2.0
    assert metrics["evaluation"]["returns"]["cagr"] is None
    assert metrics["summary"]["recommended_stage"] == "paper_only"


def test_a_paper_run_of_metrics_alone_never_becomes_a_candidate(ready: ApiClient, judge: Judge) -> None:
    profile = {"performance": {"sharpe_min": 0.5, "max_dd_max": None, "gain_to_pain_min": None}}
    policy = {
        "version": 1,
        "validation_profiles": {"backtest": profile, "paper": profile},
        "selection": {"gates": "sharpe > 1"},
    }
    ready.post("/worlds/alpha/policy", policy)
    judge(run_id="b1")
    stages = [
        judge(posted, run_id=run_id, stage="paper")["summary"]["recommended_stage"]
        for run_id, posted in (("p1", CLIENT), ("p2", results()))
    ]
    assert stages == ["paper_only", "paper_ok_live_candidate"]


def test_the_snapshot_of_metrics_alone_has_no_series(ready: ApiClient, judge: Judge) -> None:
    judge(CLIENT)
    snapshot = body(ready.get("/worlds/alpha/snapshots/alpha-mom-r1"))
    assert snapshot["series_heads"] == {"returns": [], "equity": [], "pnl": [], "truncated": False}
    assert snapshot["storage_refs"]["full_returns_series"] is None


def test_computed_figures_win_and_the_difference_is_told(judge: Judge) -> None:
    plain = judge(results(), run_id="r0")["evaluation"]["returns"]
    given = {"sharpe": 99.0, "volatility": plain["volatility"] * (1 + 1e-9)}
    evaluation = judge(results(metrics={"returns": given}))["evaluation"]
    assert evaluation["returns"]["sharpe"] == plain["sharpe"]
    assert evaluation["diagnostics"]["divergence"] == {
        "returns.sharpe": {"computed": plain["sharpe"], "client": 99.0}
    }


def test_unknown_names_are_kept_in_the_free_slot(judge: Judge) -> None:
    evaluation = judge(results(meta={"extra_metrics": {"conviction": 0.7}}))["evaluation"]
    assert evaluation["diagnostics"]["extra_metrics"] == {"conviction": 0.7}


def test_risk_figures_are_the_caller_s(judge: Judge) -> None:
    risk = {"adv_utilization_p95": 0.1, "factor_exposures": {"value": 0.2}, "exposure_bounds_ok": True}
    found = judge(results(risk=risk, trades={"count": 60, "turnover": 3.5}))["evaluation"]["risk"]
    assert risk.items() <= found.items()
    assert found["turnover_proxy"] == 3.5


def test_without_a_benchmark_there_is_no_block(judge: Judge) -> None:
    evaluation = judge()["evaluation"]
    assert "benchmark" not in evaluation
    assert evaluation["sample"]["regime_coverage"] is None


def test_a_world_s_benchmark_gives_the_block_and_the_regimes(ready: ApiClient, judge: Judge) -> None:
    ready.patch("/worlds/alpha", {"benchmark": {"values": returns(600, seed=9), **DAY}})
    evaluation = judge()["evaluation"]
    assert evaluation["benchmark"]["common_points"] == 504
    assert {"sharpe", "alpha", "beta", "information_ratio", "sharpe_uplift"} <= evaluation["benchmark"].keys()
    coverage = evaluation["sample"]["regime_coverage"]
    assert coverage.keys() == {"low_vol", "mid_vol", "high_vol"}
    assert sum(coverage.values()) == pytest.approx(1)


def test_a_strategy_that_is_its_benchmark_has_beta_one(ready: ApiClient, judge: Judge) -> None:
    ready.patch("/worlds/alpha", {"benchmark": {"values": VALUES, **DAY}})
    block = judge(results(VALUES))["evaluation"]["benchmark"]
    assert (block["beta"], block["alpha"], block["sharpe_uplift"]) == pytest.approx((1, 0, 0), abs=1e-9)


def test_the_caller_s_benchmark_serves_where_the_world_has_none(judge: Judge) -> None:
    block = judge(results(benchmark_returns={"values": returns(600, seed=9), **DAY}))["evaluation"][
        "benchmark"
    ]
    assert block["source"] == "caller"


def test_terms_of_a_world_are_fixed_by_its_first_evaluated_run(ready: ApiClient, judge: Judge) -> None:
    assert ready.patch("/worlds/alpha", {"periods_per_year": 365}).status_code == 200
    judge()
    for name, value in (("periods_per_year", 252), ("risk_free_rate", 0.01), ("reference_capital", 5)):
        assert ready.patch("/worlds/alpha", {name: value}).status_code == 422
    assert ready.patch("/worlds/alpha", {"periods_per_year": 365, "name": "A"}).status_code == 200


# --- trials and cohort --------------------------------------------------------------------------------
def dsr(metrics: dict[str, Any]) -> tuple[int, float]:
    diagnostics, robustness = metrics["evaluation"]["diagnostics"], metrics["evaluation"]["robustness"]
    return diagnostics["trials_counted"], robustness["deflated_sharpe_ratio"]


def test_another_variant_is_one_more_trial_and_lowers_the_deflated_sharpe(judge: Judge) -> None:
    first = dsr(judge(results(VALUES), run_id="r0"))
    for number in range(1, 4):
        found = dsr(judge(results(returns(mean=0.0003 * number)), run_id=f"r{number}"))
        assert found[0] == number + 1
    again = dsr(judge(results(VALUES), run_id="again"))
    assert again[0] == 4
    assert again[1] < first[1]


def test_the_same_returns_again_are_no_new_trial_in_any_world(ready: ApiClient, judge: Judge) -> None:
    ready.make_world("beta", policy=POLICY)
    judge(run_id="r1")
    again = judge(run_id="r2")
    elsewhere = judge(world="beta", run_id="r1")
    assert dsr(again)[0] == dsr(elsewhere)[0] == 1


def test_trials_count_across_worlds_for_the_family(ready: ApiClient, judge: Judge) -> None:
    ready.make_world("beta", policy=POLICY)
    for name in ("trend-1", "trend-2"):
        ready.make_strategy(name, family="trend")
    judge(strategy="trend-1")
    assert dsr(judge(results(returns(seed=2)), world="beta", strategy="trend-2"))[0] == 2
    assert dsr(judge(results(returns(seed=3))))[0] == 1  # another family: its owner's


@pytest.mark.parametrize("what", ["code_hash", "dataset_fingerprint"])
def test_other_code_or_data_is_another_trial(judge: Judge, what: str) -> None:
    judge(results(meta={what: "a"}), run_id="r1")
    assert dsr(judge(results(meta={what: "b"}), run_id="r2"))[0] == 2


def test_the_larger_of_counted_and_declared_trials_is_used(judge: Judge) -> None:
    one = judge(results(), run_id="r1")["evaluation"]["robustness"]["deflated_sharpe_ratio"]
    declared = judge(results(meta={"search_intensity": 500}), run_id="r2")["evaluation"]
    assert declared["diagnostics"]["search_intensity"] == 500
    assert declared["robustness"]["deflated_sharpe_ratio"] < one


def test_a_paper_run_is_no_trial(judge: Judge) -> None:
    judge(run_id="r1")
    assert dsr(judge(results(returns(seed=7)), run_id="p1", stage="paper"))[0] == 1


def test_overfitting_of_a_cohort_is_told_from_its_second_member_on(ready: ApiClient, judge: Judge) -> None:
    for name in ("trend-1", "trend-2"):
        ready.make_strategy(name, family="trend")
    first = judge(strategy="trend-1")["evaluation"]
    second = judge(results(returns(seed=2)), strategy="trend-2")["evaluation"]
    assert first["robustness"]["pbo"] is None
    assert "robustness.pbo" in first["diagnostics"]["validation_health"]["missing"]
    assert 0 <= second["robustness"]["pbo"] <= 1
