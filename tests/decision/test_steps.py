"""Each step of the decision, one world at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluation.domain.record import Record
from tests.decision.builders import (
    DAY,
    NOW,
    candidate,
    decided,
    live,
    policy,
    returns,
    times,
    told,
    words,
)


def test_the_best_that_pass_are_promoted_and_share_the_capital() -> None:
    made = decided(candidate("a", 1.2), candidate("b", 3.0), candidate("c", 2.0), candidate("d", 0.7))
    assert made["plan"]["promote"] == ["b", "c"]
    assert made["weights"] == {"b": 0.5, "c": 0.5}
    assert words(made, "a") == "would be 3rd; all 2 places are taken, the last by c"
    assert words(made, "d") == "sharpe 0.7 is 0.3 short of 1"
    assert told(made, "d")["would_be_rank"] == 4
    assert made["funnel"] == {
        "candidates": 4, "eligible": 4, "passed_gates": 3, "selected": 2, "promoted": 2, "held": 0,
    }  # fmt: skip


def test_without_gates_nothing_is_promoted() -> None:
    made = decided(candidate("a"), policy=policy(selection={"gates": None}))
    assert made["plan"]["promote"] == []
    assert "no gates" in words(made, "a")


def test_a_blocking_failure_says_what_is_lacking() -> None:
    made = decided(candidate("a", 0.3))
    assert told(made, "a")["eligible"] is False
    assert words(made, "a") == "performance: sharpe 0.3 is 0.2 short of 0.5"
    assert told(made, "a")["margins"][0] == {
        "rule": "performance", "metric": "returns.sharpe", "value": 0.3, "bound": 0.5,
        "margin": pytest.approx(-0.2), "text": "sharpe 0.3 is 0.2 short of 0.5",
    }  # fmt: skip


def test_a_rule_in_shadow_is_counted_and_decides_nothing() -> None:
    profile = {"paper": {"performance": {"sharpe_min": 0.5, "max_dd_max": None, "mode": "shadow"}}}
    made = decided(candidate("a", 1.1), policy=policy(validation_profiles=profile))
    assert made["plan"]["promote"] == ["a"]
    assert made["shadow"] == {"performance": ["a"]}  # its gain-to-pain ratio is missing


def test_a_missing_figure_follows_the_policy() -> None:
    for on_missing, held, failures in (("fail", 0, 1), ("warn", 1, 0), ("ignore", 1, 0)):
        chosen = policy(validation={"on_missing_metric": on_missing}, validation_profiles={"paper": {}})
        made = decided(candidate("a", None), policy=chosen)
        assert made["plan"]["promote"] == []
        assert made["funnel"]["held"] == held
        assert told(made, "a")["consecutive_failures"] == failures


def test_no_evidence_and_broken_evidence_hold() -> None:
    made = decided(
        candidate("a", evidence=None),
        candidate("b", error="blob is lost"),
        live("c", error="blob is lost"),
        candidate("d", record=Record("paper", None, None, None)),
    )
    assert made["plan"] == {"promote": [], "demote": [], "reopen": [], "hold": ["a", "b", "c", "d"]}
    assert made["active_set"] == ["c"]
    assert "no evaluated" in words(made, "a")
    assert "blob is lost" in words(made, "b")


def test_a_stale_record_moves_nothing() -> None:
    chosen = policy(data_currency={"max_lag": "3d"})
    old = Record("paper", times(end=NOW - 5 * DAY), returns(1), None)
    made = decided(candidate("a", record=old), live("b", 0.1, record=old), policy=chosen)
    assert made["plan"]["hold"] == ["a", "b"]
    assert told(made, "b")["counted"] is False
    assert "stale: its newest point is 5 days old" in words(made, "a")


def test_a_twin_is_held_and_says_by_whom() -> None:
    same = returns(7)
    twin = Record("paper", times(), same + returns(8) * 0.05, None)
    chosen = policy(selection={"correlation": {"max": 0.8}})
    made = decided(
        candidate("best", 3.0, record=Record("paper", times(), same, None)),
        candidate("twin", 2.0, record=twin),
        candidate("other", 1.5),
        policy=chosen,
    )
    assert made["plan"]["promote"] == ["best", "other"]
    assert words(made, "twin").startswith("would be 2nd; correlation 1.00 with best, above 0.8")


def test_too_few_common_points_are_no_correlation() -> None:
    early = Record("paper", times(end=NOW - 30 * DAY), returns(3), None)
    for on_missing, outcome in (("fail", "fail"), ("warn", "inconclusive"), ("ignore", "promote")):
        chosen = policy(
            selection={"correlation": {"max": 0.8, "window": "40d"}},
            validation={"on_missing_metric": on_missing},
            validation_profiles={"paper": {}},
        )
        made = decided(candidate("a", 3.0), candidate("b", 2.0, record=early), policy=chosen)
        status = told(made, "b")["trace"][-1]["status"]
        assert (told(made, "b")["outcome"] == "promote") if outcome == "promote" else status == outcome


def test_sides_and_families_have_their_shares() -> None:
    sides = policy(selection={"top_k": {"k": 3, "per_side": {"short": 1}}})
    made = decided(
        candidate("a", 3.0, side="short"),
        candidate("b", 2.0, side="short"),
        candidate("c", 1.5),
        policy=sides,
    )
    assert made["plan"]["promote"] == ["a", "c"]
    families = policy(selection={"exposure": {"max_per_family": 0.5}})
    made = decided(
        candidate("a", 3.0, family="family:f"),
        candidate("b", 2.0, family="family:f"),
        candidate("c", 1.5),
        policy=families,
    )
    assert made["plan"]["promote"] == ["a", "c"]
    assert "the family f would have 1, above 0.5" in words(made, "b")


def test_strict_mode_does_not_refill() -> None:
    same = Record("paper", times(), returns(7), None)
    chosen = policy(selection={"correlation": {"max": 0.8}, "top_k": {"k": 2, "refill": False}})
    made = decided(
        candidate("a", 3.0, record=same), candidate("b", 2.0, record=same), candidate("c", 1.5), policy=chosen
    )
    assert made["plan"]["promote"] == ["a"]
    assert "only the best 2 are looked at" in words(made, "c")


def test_an_incumbent_keeps_its_place_within_the_margin() -> None:
    for margin, gone in ((0.0, ["b"]), (0.5, [])):
        chosen = policy(selection={"top_k": {"k": 1}, "hysteresis": {"swap_margin": margin}})
        made = decided(candidate("a", 2.2), live("b", 2.0), policy=chosen)
        assert made["plan"]["demote"] == gone


def test_promotion_waits_for_passes_dwell_and_record() -> None:
    chosen = policy(selection={"hysteresis": {"promote_after": 3}})
    assert decided(candidate("a", passes=2), policy=chosen)["plan"]["promote"] == ["a"]
    assert "passes in a row: 2, promotion takes 3" in words(
        decided(candidate("a", passes=1), policy=chosen), "a"
    )
    dwell = policy(selection={"hysteresis": {"min_dwell": "200d"}})
    assert "200d" in words(decided(candidate("a"), policy=dwell), "a")
    period = policy(min_evaluation_period="90d")
    assert "does not span 90d" in words(decided(candidate("a"), policy=period), "a")


def test_a_duration_of_passes_is_measured_from_the_first() -> None:
    chosen = policy(selection={"hysteresis": {"promote_after": "3d"}})
    early = candidate("a", passes=5, passing_since=NOW - 3 * DAY)
    assert decided(early, policy=chosen)["plan"]["promote"] == ["a"]
    assert decided(replace(early, passing_since=NOW - 2 * DAY), policy=chosen)["plan"]["promote"] == []


def test_counters_move_once_per_slot_and_run() -> None:
    counted = candidate("a", passes=4, counted_slot=NOW)
    assert told(decided(counted), "a")["counted"] is False
    same_run = candidate("a", passes=4, counted_slot=NOW - DAY, counted_run="r1")
    assert told(decided(same_run), "a")["counted"] is False
    fresh = candidate("a", passes=4, counted_slot=NOW - DAY, counted_run="r0")
    assert told(decided(fresh), "a")["consecutive_passes"] == 5
    assert told(decided(fresh, slot=None), "a")["consecutive_passes"] == 4


def test_a_live_one_leaves_after_its_failures() -> None:
    chosen = policy(selection={"hysteresis": {"demote_after": 2}})
    made = decided(live("a", 0.6), policy=chosen)
    assert made["plan"]["hold"] == ["a"]
    assert "it leaves after 2" in words(made, "a")
    assert decided(live("a", 0.6, failures=1), policy=chosen)["plan"]["demote"] == ["a"]


def test_exit_gates_are_for_the_live_ones() -> None:
    chosen = policy(selection={"hysteresis": {"exit_gates": "sharpe >= 0.5"}})
    made = decided(live("a", 0.6), candidate("b", 0.6), policy=chosen)
    assert made["active_set"] == ["a"]
    assert told(made, "a")["consecutive_passes"] == 1


def test_a_breached_risk_cut_demotes_at_once() -> None:
    chosen = policy(
        selection={"hysteresis": {"demote_after": 9, "min_dwell": "900d"}},
        live_monitoring={"risk_cut": {"max_drawdown_min": -0.2}},
        validation_profiles={"live": {}},
    )
    falling = live("a", 3.0, stage="live", figures={"live.30d.max_drawdown": -0.3})
    made = decided(falling, policy=chosen)
    assert made["plan"]["demote"] == ["a"]
    assert words(made, "a") == "risk cut: live.30d.max_drawdown -0.3 is below -0.2"


def test_an_incumbent_that_hysteresis_keeps_takes_a_slot() -> None:
    chosen = policy(selection={"top_k": {"k": 1}, "hysteresis": {"demote_after": 2}})
    made = decided(candidate("a", 3.0), live("b", 0.1), policy=chosen)
    assert made["active_set"] == ["b"]
    assert "the one place is taken, the last by b" in words(made, "a")
    assert told(made, "a")["consecutive_passes"] == 1


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"world_state": "EVALUATION_ONLY"}, "the world is EVALUATION_ONLY"),
        ({"circuit_breaker": True}, "circuit breaker"),
        ({"allow_live": False}, "allow_live is false"),
    ],
)
def test_nobody_goes_live_where_the_world_says_no(given: dict[str, object], reason: str) -> None:
    made = decided(candidate("a"), **given)
    assert made["plan"]["promote"] == []
    assert reason in words(made, "a")
    assert told(made, "a")["consecutive_passes"] == 1


def test_modes_slots_and_cooldown_of_governance() -> None:
    disabled = policy(governance={"live_promotion": {"mode": "disabled"}})
    assert "disabled" in words(decided(candidate("a"), policy=disabled), "a")
    slots = policy(governance={"live_promotion": {"mode": "auto_apply", "max_live_slots": 1}})
    assert decided(candidate("a"), candidate("b", 3.0), policy=slots)["plan"]["promote"] == ["b"]
    cooldown = policy(governance={"live_promotion": {"mode": "auto_apply", "cooldown": "2d"}})
    assert decided(candidate("a"), candidate("b", 3.0), policy=cooldown)["plan"]["promote"] == ["b"]
    waiting = decided(candidate("a"), policy=cooldown, last_promotion=NOW - DAY)
    assert waiting["plan"]["promote"] == []
    assert decided(candidate("a"), policy=cooldown, last_promotion=NOW - 2 * DAY)["plan"]["promote"] == ["a"]


def test_a_canary_begins_with_a_part_of_its_weight() -> None:
    terms = {"mode": "auto_apply", "canary": {"fraction": 0.2, "for": "7d"}}
    made = decided(candidate("a"), live("b", 3.0), policy=policy(governance={"live_promotion": terms}))
    assert made["weights"] == {"b": 0.5, "a": pytest.approx(0.1)}


def test_closed_gates_of_live_ones_that_pass_are_reopened() -> None:
    made = decided(live("a", gate_closed=True), live("b", 0.1, gate_closed=True))
    assert made["plan"]["reopen"] == ["a"]


def test_ranks_among_candidates_can_be_asked_for() -> None:
    chosen = policy(selection={"gates": "rank.sharpe <= 1", "top_k": {"k": 5}})
    made = decided(candidate("a", 1.0), candidate("b", 2.0), policy=chosen)
    assert made["plan"]["promote"] == ["b"]


def test_what_a_strategy_adds_to_the_live_set_can_be_bounded() -> None:
    chosen = policy(
        portfolio={"min_portfolio_sharpe_uplift": 0.0, "severity": "blocking"}, selection={"top_k": {"k": 3}}
    )
    falling = Record("paper", times(), returns(5) - 0.004, None)
    made = decided(live("a", 3.0), candidate("b", 2.0, record=falling), policy=chosen)
    assert "sharpe_uplift" in words(made, "b")
    assert made["plan"]["promote"] == []


def test_the_family_and_the_backtest_can_be_bounded() -> None:
    cohort = policy(cohort={"sharpe_median_min": 1.5, "severity": "blocking"})
    made = decided(candidate("a", 2.0, family="f"), candidate("b", 0.9, family="f"), policy=cohort)
    assert "sharpe_median 1.45 is 0.05 short of 1.5" in words(made, "a")
    consistency = policy(paper_shadow_consistency={"min_sharpe_ratio": 0.5, "severity": "blocking"})
    made = decided(candidate("a", 2.0, backtest={"returns.sharpe": 5.0}), policy=consistency)
    assert "sharpe_ratio 0.4 is 0.1 short of 0.5" in words(made, "a")


def test_a_rule_that_breaks_is_a_failed_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    from evaluation.domain.rules.performance import Performance

    def broken(self: object, section: object) -> list[object]:
        raise ZeroDivisionError("no")

    monkeypatch.setattr(Performance, "bounds", broken)
    made = decided(candidate("a"))
    assert made["plan"]["promote"] == []
    assert "rule_error: ZeroDivisionError" in words(made, "a")


def test_windows_of_the_record_can_be_gated() -> None:
    falling = np.concatenate([returns(1, 60), np.full(20, -0.01)])
    chosen = policy(selection={"gates": "28d.total_return >= 0"})
    made = decided(candidate("a", record=Record("paper", times(), falling, None)), policy=chosen)
    assert words(made, "a").startswith("28d.total_return -0.")


def test_a_promotion_says_why_now_and_what_comes() -> None:
    asking = policy(
        selection={"hysteresis": {"promote_after": 2}}, governance={"live_promotion": {"approvers": ["risk"]}}
    )
    made = decided(candidate("a", passes=1, counted_run="r0"), policy=asking)
    assert words(made, "a") == "rank 1, has a place; passes in a row: 2; waits for the approval of risk"
    steps = [(step["step"], step["status"]) for step in told(made, "a")["trace"]]
    assert steps[-2:] == [("hysteresis", "pass"), ("governance", "pass")]


def test_a_demotion_says_how_often_it_failed() -> None:
    chosen = policy(selection={"hysteresis": {"demote_after": 2}})
    made = decided(live("a", 0.1, failures=1, counted_run="r0"), policy=chosen)
    assert words(made, "a").endswith("failures in a row: 2")


def test_a_rejection_holds_until_another_run_comes() -> None:
    asking = policy(governance={"live_promotion": {"mode": "manual_approval"}})
    assert decided(candidate("a", rejected_run="r1"), policy=asking)["plan"]["promote"] == []
    assert decided(candidate("a", rejected_run="r0"), policy=asking)["plan"]["promote"] == ["a"]


def test_what_is_missing_and_ignored_is_said() -> None:
    chosen = policy(
        selection={"gates": "sharpe >= 1 and extra.conviction > 0.7"},
        validation={"on_missing_metric": "ignore"},
    )
    made = decided(candidate("a"), policy=chosen)
    assert made["plan"]["promote"] == ["a"]
    (gates,) = [step["reason"] for step in told(made, "a")["trace"] if step["step"] == "gates"]
    assert gates == "passes the entry gates but for what is missing and not looked at: extra.conviction > 0.7"


def test_a_correlation_that_is_unknown_and_ignored_is_said() -> None:
    chosen = policy(
        selection={"correlation": {"max": 0.5, "min_overlap": 20}},
        validation={"on_missing_metric": "ignore"},
    )
    short = Record("paper", times(10), returns(5, 10), None)
    made = decided(candidate("a", 3.0), candidate("b", 2.0, record=short), policy=chosen)
    reasons = [step["reason"] for step in told(made, "b")["trace"] if step["step"] == "correlation"]
    assert reasons == ["correlation with a is unknown and not looked at"]


@pytest.mark.parametrize(
    ("given", "promoted"),
    [
        ({"reported_since": NOW - 30 * DAY}, ["a"]),  # the run covers only a window of it
        ({}, []),
        ({"reported_since": NOW - 30 * DAY, "state_since": NOW + 1}, []),  # a run of an earlier stay
    ],
)
def test_the_paper_record_of_the_stay_must_span_the_period(
    given: dict[str, int], promoted: list[str]
) -> None:
    window = Record("paper", times(10), returns(5, 10), None)
    made = decided(
        candidate("a", record=window, **given),
        policy=policy(min_evaluation_period="20d", selection={"hysteresis": {"min_dwell": "0s"}}),
    )
    assert made["plan"]["promote"] == promoted
