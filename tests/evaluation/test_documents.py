"""Run, metrics and snapshot documents: exactly those of requirement 01 and spec 03."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.api import ApiClient, body, results, returns
from tests.evaluation.conftest import Judge

RUNS = "/worlds/alpha/strategies/mom/runs"
RUN = {
    "world_id", "strategy_id", "run_id", "stage", "status", "status_reason", "phase", "created_at", "updated_at",
    "evaluated_at", "effective_mode", "activation_state", "summary", "links",
}  # fmt: skip
BLOCKS = {"returns", "pnl", "sample", "risk", "robustness", "diagnostics", "gating"}


def not_numbers(document: Any) -> list[Any]:
    """NaN and infinities anywhere in a document."""
    if isinstance(document, dict):
        return [bad for value in document.values() for bad in not_numbers(value)]
    if isinstance(document, list):
        return [bad for value in document for bad in not_numbers(value)]
    return [document] if isinstance(document, float) and not np.isfinite(document) else []


@pytest.mark.parametrize(
    ("status", "phase"), [("submitted", None), ("backtest_running", "backtest"), ("evaluating", "evaluate")]
)
def test_an_open_run_says_where_it_is(ready: ApiClient, status: str, phase: str | None) -> None:
    ready.post(RUNS, {"run_id": "r1"})
    if status == "backtest_running":
        ready.patch(f"{RUNS}/r1", {"status": status})
    if status == "evaluating":
        ready.post(f"{RUNS}/r1/results", results())
    run = body(ready.get(f"{RUNS}/r1"))
    assert run.keys() == RUN
    assert (run["status"], run["phase"], run["activation_state"]) == (status, phase, "pending")
    assert (run["summary"], run["links"]["metrics"], run["links"]["snapshot"]) == (None, None, None)


def test_a_judged_run_links_to_its_documents(ready: ApiClient, judge: Judge) -> None:
    judge()
    run = body(ready.get(f"{RUNS}/r1"))
    assert run.keys() == RUN
    assert run["links"] == {
        "self": f"{RUNS}/r1",
        "metrics": f"{RUNS}/r1/metrics",
        "snapshot": "/worlds/alpha/snapshots/alpha-mom-r1",
        "history": f"{RUNS}/r1/history",
    }
    assert {ready.get(link).status_code for link in run["links"].values()} == {200}
    assert (run["effective_mode"], run["summary"]["recommended_stage"]) == ("paper", "paper_only")


def test_the_run_in_the_list_is_the_run_itself(ready: ApiClient, judge: Judge) -> None:
    judge()
    (listed,) = body(ready.get(RUNS))["items"]
    assert listed == body(ready.get(f"{RUNS}/r1")) == body(ready.get(f"{RUNS}/latest"))


def test_the_metrics_document_has_all_its_parts(judge: Judge) -> None:
    metrics = judge()
    assert metrics.keys() == {
        "world_id", "strategy_id", "run_id", "status", "evaluation", "validation", "summary",
    }  # fmt: skip
    assert metrics["status"] == "evaluated"
    assert metrics["evaluation"].keys() == BLOCKS
    assert metrics["evaluation"]["gating"].keys() == {"verdict", "violations", "hysteresis"}
    assert metrics["evaluation"]["gating"]["hysteresis"].keys() == {
        "promote_after", "demote_after", "consecutive_passes", "consecutive_failures",
    }  # fmt: skip
    assert metrics["validation"].keys() == {"policy_version", "ruleset_hash", "profile", "results"}
    assert metrics["summary"].keys() == {"status", "recommended_stage", "violations"}


def test_what_requirement_01_shows_is_there(judge: Judge) -> None:
    evaluation = judge()["evaluation"]
    shown = {
        "returns": "sample_count window source sharpe max_drawdown volatility win_rate profit_factor",
        "pnl": "sample_count reference_currency pnl_total pnl_max_drawdown pnl_equity_peak",
        "risk": "turnover_proxy exposure_bounds_ok concentration_warnings",
    }
    for block, names in shown.items():
        assert set(names.split()) <= evaluation[block].keys()


SHORT = {
    "two points": returns(2),
    "a constant": [0.001] * 100,
    "nothing earned": [0.0] * 100,
    "never a loss": [0.001, 0.002] * 50,
    "a total loss": [0.1, -1.0, 0.0, 0.0],
    "tiny": [1e-320, 2e-320] * 50,
    "huge": [1e200, -0.5] * 200,
}


@pytest.mark.parametrize("values", SHORT.values(), ids=SHORT.keys())
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_figure_that_cannot_be_had_is_null_with_its_reason(judge: Judge, values: list[float]) -> None:
    metrics = judge(results(values))
    missing = metrics["evaluation"]["diagnostics"]["validation_health"]["missing"]
    assert not_numbers(metrics) == []
    assert metrics["evaluation"]["returns"]["sample_count"] == len(values)
    for block in ("returns", "pnl", "sample", "robustness"):
        absent = {f"{block}.{name}" for name, value in metrics["evaluation"][block].items() if value is None}
        assert absent <= missing.keys()


def test_the_snapshot_is_an_envelope_of_the_metrics(ready: ApiClient, judge: Judge) -> None:
    metrics = judge(results(meta={"tags": ["beta"], "auto_returns": True}))
    snapshot = body(ready.get("/worlds/alpha/snapshots/alpha-mom-r1"))
    assert snapshot.keys() == {
        "snapshot_id", "world_id", "strategy_id", "run_id", "created_at", "metrics", "series_heads", "meta",
        "storage_refs",
    }  # fmt: skip
    assert snapshot["metrics"] == metrics
    assert snapshot["meta"] == {
        "pnl_source": "simulated_from_returns",
        "auto_returns": True,
        "tags": ["beta"],
    }


@pytest.mark.parametrize(("count", "truncated"), [(100, False), (255, False), (256, True), (600, True)])
def test_series_heads_have_at_most_256_points(
    ready: ApiClient, judge: Judge, count: int, truncated: bool
) -> None:
    values = returns(count)
    judge(results(values))
    heads = body(ready.get("/worlds/alpha/snapshots/alpha-mom-r1"))["series_heads"]
    assert heads["truncated"] is truncated
    assert heads["returns"] == values[:256]
    assert heads["equity"][:2] == pytest.approx([10_000, 10_000 * (1 + values[0])])
    assert heads["pnl"][:2] == pytest.approx([0, 10_000 * values[0]])
    assert len(heads["equity"]) == len(heads["pnl"]) == min(count + 1, 256)


def test_storage_refs_read_back_as_the_same_series(ready: ApiClient, judge: Judge) -> None:
    values = returns(600)
    judge(results(values))
    refs = body(ready.get("/worlds/alpha/snapshots/alpha-mom-r1"))["storage_refs"]
    files = {}
    for name in ("full_returns_series", "full_pnl_series"):
        answer = ready.get(refs[name])
        assert answer["Content-Type"] == "application/vnd.apache.parquet"
        assert hashlib.sha256(answer.content).hexdigest() == refs["sha256"][name]
        files[name] = pq.read_table(io.BytesIO(answer.content)).to_pydict()
    assert files["full_returns_series"]["return"] == values
    assert files["full_pnl_series"]["equity"][-1] == pytest.approx(10_000 * np.prod(1 + np.array(values)))
    assert sum(files["full_pnl_series"]["pnl"]) == pytest.approx(
        files["full_pnl_series"]["equity"][-1] - 10_000
    )
    assert f"{files['full_returns_series']['time'][0]:%Y-%m-%d}" == "2020-01-01"


def test_a_large_series_lives_outside_the_database_and_is_served(ready: ApiClient, judge: Judge) -> None:
    values = returns(60_000)
    record = {"values": values, "start": "2020-01-01", "interval": "1h"}
    judge({"returns": record, "trades": {"count": 60}})
    refs = body(ready.get("/worlds/alpha/snapshots/alpha-mom-r1"))["storage_refs"]
    table = pq.read_table(io.BytesIO(ready.get(refs["full_returns_series"]).content))
    assert table["return"].to_pylist() == values


def test_a_file_of_another_world_is_not_found(ready: ApiClient, judge: Judge) -> None:
    judge()
    ready.make_world("beta")
    refs = body(ready.get("/worlds/alpha/snapshots/alpha-mom-r1"))["storage_refs"]
    assert ready.get(refs["full_returns_series"].replace("alpha", "beta")).status_code == 404


def test_two_runs_with_one_plain_snapshot_name_get_two_names(ready: ApiClient, judge: Judge) -> None:
    for strategy, run_id in (
        ("a-b", "c"),
        ("a", "b-c"),
        ("a", "b"),
        ("a-b-c", "d"),
        ("a-b", "c-d"),
        ("a", "b-c-d"),
    ):
        if ready.get(f"/strategies/{strategy}").status_code == 404:
            ready.make_strategy(strategy)
        judge(strategy=strategy, run_id=run_id)
    names = {item["snapshot_id"] for item in body(ready.get("/worlds/alpha/snapshots"))["items"]}
    assert len(names) == 6
    assert {"alpha-a-b-c", "alpha-a-b", "alpha-a-b-c-d"} <= names


def test_a_squatted_snapshot_name_stops_nobody(ready: ApiClient, judge: Judge) -> None:
    for strategy in ("a", "a-b"):
        ready.make_strategy(strategy)
    judge(strategy="a-b", run_id="c")
    ready.submit("alpha", "a", results(), run_id="b-c")
    marked = hashlib.sha256(b"alpha\0a\0b-c\0000").hexdigest()[:8]
    ready.submit("alpha", "a-b", results(), run_id=f"c-{marked}")
    assert ready.evaluate("alpha") == 2
    names = {item["snapshot_id"] for item in body(ready.get("/worlds/alpha/snapshots"))["items"]}
    assert len(names) == 3


def test_the_history_of_a_run_begins_empty(ready: ApiClient, judge: Judge) -> None:
    judge()
    assert body(ready.get(f"{RUNS}/r1/history")) == {"run_id": "r1", "items": []}


def test_a_world_at_a_glance(ready: ApiClient, judge: Judge) -> None:
    judge()
    glance = body(ready.get("/worlds/alpha/describe"))
    assert glance["active_policy"]["version"] == 1
    assert glance["bindings_by_state"]["dry_run"] == glance["runs_by_status"]["evaluated"] == 1
    assert glance["next_evaluation"] is not None
