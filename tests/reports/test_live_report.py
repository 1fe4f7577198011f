"""The live report of a world: what each live binding earned, against its backtest and the policy's bounds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.api import ApiClient, body, returns
from tests.problem import pointer, refusal
from tests.reports.conftest import WATCHED, GoLive, earned, live_report, row_of
from tests.statements import counted_statements
from tests.strategies.reporting import move

PATH = "/worlds/alpha/live-monitoring"
FALL = [-0.05] * 9 + [0.001, 0.0] * 40


def standing(client: ApiClient, name: str) -> tuple[str, list[str]]:
    row = row_of(live_report(client), name)
    return row["status"], row["problems"]


# --- figures ----------------------------------------------------------------------------------------------------
def test_windows_have_the_figures_of_the_live_run(watched: ApiClient, go_live: GoLive) -> None:
    go_live("a", earned(90))
    watched.post("/worlds/alpha/evaluate", {})
    metrics = body(watched.get("/worlds/alpha/strategies/a/runs/latest/metrics?stage=live"))
    windows = row_of(live_report(watched), "a")["windows"]
    assert windows.keys() == {"30d", "60d", "90d"}
    for name, figures in metrics["evaluation"]["live"].items():
        assert {key: windows[name][key] for key in figures} == pytest.approx(figures)


def test_decay_is_the_share_that_is_left_of_the_backtests_sharpe(watched: ApiClient, go_live: GoLive) -> None:
    go_live("a", earned())
    row = row_of(live_report(watched), "a")
    assert row["backtest"]["run_id"] == "backtest"
    window = row["windows"]["30d"]
    assert window["decay"] == pytest.approx(window["sharpe"] / row["backtest"]["sharpe"])


def test_without_a_gain_in_the_backtest_there_is_no_decay(watched: ApiClient, go_live: GoLive) -> None:
    go_live("a", earned(), backtest=returns(mean=-0.0002))
    row = row_of(live_report(watched), "a")
    assert row["windows"]["30d"]["decay"] is None
    assert row["windows"]["30d"]["missing"]["decay"] == "the backtest's Sharpe is not above 0"
    assert row["status"] == "insufficient"  # the policy bounds it, and it is not known


# --- standings: nobody is ok who is not known to be ----------------------------------------------------------------
def test_ok_is_who_is_measured_and_meets_every_bound(watched: ApiClient, go_live: GoLive) -> None:
    go_live("a", earned())
    assert standing(watched, "a") == ("ok", [])
    summary = live_report(watched)["summary"]
    assert (summary["status"], summary["headline"]) == ("ok", "1 live strategy: 1 meets every bound.")


def test_who_reported_nothing_is_absent(watched: ApiClient, go_live: GoLive) -> None:
    go_live("a")
    status, problems = standing(watched, "a")
    assert status == "absent"
    assert "no live performance since it went live" in problems[0]
    assert row_of(live_report(watched), "a")["record"] is None


def test_who_is_younger_than_a_window_has_proved_nothing_in_it(watched: ApiClient, go_live: GoLive) -> None:
    go_live("a", earned(40))
    row = row_of(live_report(watched), "a")
    assert row["status"] == "insufficient"
    assert [row["windows"][name]["is_covered"] for name in ("30d", "60d", "90d")] == [True, False, False]
    assert row["problems"][0] == "60d: the record spans 39 of 60 days"
    assert {check["status"] for check in row["checks"] if check["window"] == "90d"} == {"insufficient"}


def test_a_few_points_do_not_make_a_window(watched: ApiClient, go_live: GoLive) -> None:
    go_live("a")
    moments = [timezone.now() - timedelta(days=days) for days in (85, 50, 20, 0.1)]
    records = [{"ts": moment.isoformat(), "return": 0.01} for moment in moments]
    assert watched.post("/worlds/alpha/strategies/a/performance", records).status_code == 202
    row = row_of(live_report(watched), "a")
    assert row["status"] == "insufficient"
    assert row["windows"]["90d"]["shortfall"] == "it has 4 of about 62 points"


def test_an_old_record_is_stale_whatever_its_figures(watched: ApiClient, go_live: GoLive) -> None:
    go_live("a", earned(), ago=9)
    status, problems = standing(watched, "a")
    assert (status, problems) == ("stale", ["stale: its newest point is 9 days old, at most 5d is allowed"])


def test_without_a_max_lag_a_week_is_taken(root: ApiClient, watched: ApiClient, go_live: GoLive) -> None:
    watched.post("/worlds/alpha/policy", {**WATCHED, "data_currency": {}})
    go_live("a", earned(), ago=6)
    go_live("b", earned(), ago=8)
    assert standing(watched, "a")[0] == "ok"
    assert standing(watched, "b") == (
        "stale",
        ["stale: its newest point is 8 days old, more than 7 days, and the policy has no max_lag"],
    )


@pytest.mark.parametrize("policy", [None, {k: v for k, v in WATCHED.items() if k != "live_monitoring"}])
def test_without_bounds_nobody_is_ok(root: ApiClient, go_live: GoLive, policy: Any) -> None:
    if policy is not None:
        root.post("/worlds/alpha/policy", policy)
        go_live("a", earned())
        assert live_report(root)["summary"]["headline"] == "1 live strategy: 1 is not bounded by the policy."
    else:
        root.make_world("bare", policy=None)
        report = body(root.get("/worlds/bare/live-monitoring"))
        assert (report["policy"], report["summary"]["status"]) == (None, "empty")


# --- breaches and demotion ----------------------------------------------------------------------------------------
def test_a_missed_bound_is_told_with_figure_bound_and_margin(watched: ApiClient, go_live: GoLive) -> None:
    go_live("a", earned(mean=-0.001))
    report = live_report(watched)
    assert row_of(report, "a")["status"] == "breached"
    breach = next(row for row in report["breaches"] if row["key"] == "sharpe_min (60d)")
    assert (breach["window"], breach["kind"], breach["severity"]) == ("60d", "bound", "soft")
    assert (
        breach["margin"] == pytest.approx(breach["value"] - breach["bound"]) == pytest.approx(breach["value"])
    )


def test_a_breach_in_a_young_record_is_a_breach(watched: ApiClient, go_live: GoLive) -> None:
    go_live("a", FALL[:12])
    assert standing(watched, "a")[0] == "risk_cut"


def test_whom_the_risk_cut_demotes_the_next_decision_demotes(watched: ApiClient, go_live: GoLive) -> None:
    go_live("a", FALL)
    (candidate,) = live_report(watched)["demotion_candidates"]
    assert (candidate["strategy_id"], candidate["urgency"]) == ("a", "at_once")
    assert body(watched.post("/worlds/alpha/evaluate", {"dry_run": False}))["plan"]["demote"] == ["a"]


@pytest.mark.parametrize(
    ("section", "urgency"),
    [({}, "review"), ({"severity": "blocking"}, "counts"), ({"mode": "shadow"}, None)],
)
def test_what_a_breach_leads_to_is_as_the_policy_says(
    watched: ApiClient, go_live: GoLive, section: dict[str, str], urgency: str | None
) -> None:
    policy = {**WATCHED, "live_monitoring": {**WATCHED["live_monitoring"], **section}}
    watched.post("/worlds/alpha/policy", policy)
    go_live("a", earned(mean=-0.001))
    report = live_report(watched)
    assert [row["urgency"] for row in report["demotion_candidates"]] == ([] if urgency is None else [urgency])
    assert row_of(report, "a")["status"] == "breached"


def test_the_worst_come_first(watched: ApiClient, go_live: GoLive) -> None:
    go_live("a", earned())
    go_live("b")
    go_live("c", FALL)
    report = live_report(watched)
    assert [row["strategy_id"] for row in report["bindings"]] == ["c", "b", "a"]
    assert report["summary"]["status"] == "risk_cut"


def test_only_who_is_live_is_reported(watched: ApiClient, go_live: GoLive) -> None:
    watched.make_strategy("paper")
    watched.post("/worlds/alpha/bindings", {"strategies": ["paper"]})
    go_live("a", earned())
    assert [row["strategy_id"] for row in live_report(watched)["bindings"]] == ["a"]


def test_what_was_earned_in_an_earlier_stay_does_not_count(watched: ApiClient, go_live: GoLive) -> None:
    go_live("a", FALL)
    move("a", "demote", "promote")
    assert standing(watched, "a")[0] == "absent"


# --- forms and cost -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("form", ["md", "html"])
def test_it_is_a_page_too(watched: ApiClient, go_live: GoLive, form: str) -> None:
    go_live("a", earned())
    go_live("b", FALL)
    text = watched.get(f"{PATH}?format={form}").content.decode()
    assert "Live monitoring of alpha" in text
    assert "1 breaches its risk cut, 1 meets every bound" in text


def test_a_world_in_which_nobody_is_live(watched: ApiClient) -> None:
    assert live_report(watched)["summary"]["headline"] == "No strategy is live."
    assert "No strategy is live." in watched.get(f"{PATH}?format=html").content.decode()


def test_an_unknown_form_is_refused(watched: ApiClient) -> None:
    answer = watched.get(f"{PATH}?format=xml")
    assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), "?format")


def test_the_number_of_statements_does_not_grow_with_the_strategies(
    watched: ApiClient, go_live: GoLive, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_live("a", earned())
    live_report(watched)
    seen = counted_statements(monkeypatch)
    live_report(watched)
    alone = len(seen)
    monkeypatch.undo()
    for name in "bcdefg":
        go_live(name, earned(60 + ord(name)))
    live_report(watched)
    seen = counted_statements(monkeypatch)
    assert len(live_report(watched)["bindings"]) == 7
    assert len(seen) == alone <= 7, seen
