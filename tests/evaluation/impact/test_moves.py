"""Two decisions about the same candidates: who moves under either, and the risk of what would be live."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from evaluation.domain.candidates import Candidate
from evaluation.domain.decision import decide
from evaluation.domain.policy_diff import as_if_counted, compare_decisions
from evaluation.domain.record import Record
from tests.decision.builders import DAY, NOW, candidate, live, policy, returns, situation, times
from tests.decision.test_properties import selections, worlds
from worlds.domain.policy import Policy

LAX = policy(selection={"gates": "sharpe >= 0"})
STRICT = policy(selection={"gates": "sharpe >= 3"})


def compared(old: Policy | None, new: Policy, *candidates: Candidate) -> dict[str, Any]:
    before = None if old is None else decide(*as_if_counted(situation(old), candidates))
    return compare_decisions(before, decide(*as_if_counted(situation(new), candidates)))


def test_a_stricter_gate_promotes_nobody_and_says_what_is_lacking() -> None:
    found = compared(LAX, STRICT, candidate("a", 2.0))
    assert [found[side]["promote"] for side in ("old", "new")] == [["a"], []]
    (change,) = found["changes"]
    assert [change[side]["outcome"] for side in ("old", "new")] == ["promote", "hold"]
    assert "short of 3" in change["new"]["reasons"][0]


def test_the_same_policy_moves_nobody_differently() -> None:
    found = compared(LAX, LAX, candidate("a"), live("b"), live("c", -1.0))
    assert found["changes"] == []
    assert found["old"] == found["new"]
    assert set(found["portfolio_risk"]["change"].values()) == {0.0}


def test_who_is_live_and_falls_below_the_new_gates_would_leave() -> None:
    found = compared(LAX, STRICT, live("a", 2.0), live("b", 4.0))
    assert found["new"]["demote"] == ["a"]
    assert found["new"]["live"] == ["b"]
    assert found["old"]["demote"] == []


def test_evidence_that_was_counted_before_counts_for_the_question() -> None:
    """The question is about the policy: that today's run was counted yesterday is not its affair."""
    counted = candidate("a", counted_run="r1", counted_slot=NOW)
    assert compared(STRICT, LAX, counted)["new"]["promote"] == ["a"]


def test_waiting_for_more_passes_is_no_promotion_but_a_place() -> None:
    slow = policy(selection={"gates": "sharpe >= 0", "hysteresis": {"promote_after": 3}})
    found = compared(STRICT, slow, candidate("a"))
    assert found["new"]["promote"] == []
    assert found["new"]["selected"] == ["a"]
    assert found["changes"][0]["new"]["selected"] is True


def test_without_an_active_policy_nobody_moved_and_the_risk_is_not_known() -> None:
    found = compared(None, LAX, candidate("a"), live("b"))
    assert found["old"]["hold"] == ["a", "b"]
    assert found["old"]["live"] == ["b"]
    risk = found["portfolio_risk"]
    assert (risk["old"], risk["change"]) == (None, None)
    assert risk["new"]["volatility"] > 0
    assert risk["reason"] == "no policy is active: the weights are not known"


def test_the_risk_is_that_of_the_weighted_returns_over_common_points() -> None:
    short = Record("paper", times(50), returns(2, 50), None)
    found = compared(STRICT, LAX, candidate("a", seed=1), candidate("b", record=short))
    together = 0.5 * returns(1)[-50:] + 0.5 * returns(2, 50)
    risk = found["portfolio_risk"]
    assert risk["points"] == 50
    assert risk["old"] == {"volatility": 0.0, "var_99": 0.0, "es_99": 0.0}
    assert risk["new"]["volatility"] == pytest.approx(together.std(ddof=1) * np.sqrt(252))
    assert risk["new"]["var_99"] == pytest.approx(-np.quantile(together, 0.01))
    assert risk["change"] == risk["new"]


def test_too_few_common_points_are_told_and_no_risk_is_invented() -> None:
    early = Record("paper", times(30, end=NOW - 65 * DAY), returns(2, 30), None)
    found = compared(STRICT, LAX, candidate("a"), candidate("b", record=early))
    risk = found["portfolio_risk"]
    assert (risk["new"], risk["change"]) == (None, None)
    assert risk["reason"] == "the live sets have 15 common points, 20 are needed"


@settings(max_examples=50, deadline=None)
@given(worlds(), selections(), selections())
def test_every_binding_is_in_one_place_under_either_policy(
    candidates: list[Candidate], first: dict[str, Any], second: dict[str, Any]
) -> None:
    found = compared(policy(selection=first), policy(selection=second), *candidates)
    everybody = sorted(one.strategy_id for one in candidates)
    for side in ("old", "new"):
        plan = found[side]
        assert sorted(n for k in ("promote", "demote", "reopen", "hold") for n in plan[k]) == everybody
        assert set(plan["weights"]) == set(plan["live"])
    unchanged = {change["strategy_id"] for change in found["changes"]} ^ set(everybody)
    for kind in ("promote", "demote", "selected"):
        assert set(found["old"][kind]) & unchanged == set(found["new"][kind]) & unchanged


def test_asking_moves_no_counter_of_the_candidates() -> None:
    one = candidate("a", passes=1, counted_run="r1")
    before = replace(one)
    compared(LAX, STRICT, one)
    assert one == before
