"""The shipped scenarios show what they are labelled with, and tell a lax policy from a sound one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson
import pytest

from evaluation.domain.policy_diff import Scenario, judge_many, try_scenarios
from evaluation.domain.policy_diff.scenarios import TERMS
from evaluation.selectors.scenarios import SCENARIO_SETS, reference_policy, scenarios_named
from qmtl.metrics import CATALOGUE
from qmtl_site.http.refusals import Invalid
from worlds.domain.policy import Policy, canonical_document, policy_from_document

EVERY = scenarios_named(["all"])


def changed(**performance: Any) -> Policy:
    """The reference policy with other bounds for the performance of a backtest."""
    document = orjson.loads(orjson.dumps(canonical_document(reference_policy())))
    document["validation_profiles"]["backtest"]["performance"] |= performance
    return policy_from_document(document)


@pytest.mark.parametrize("scenario", EVERY, ids=lambda scenario: f"{scenario.label}-{scenario.name}")
def test_each_scenario_shows_its_reason(scenario: Scenario) -> None:
    (outcome,) = judge_many([scenario.run()], reference_policy(), TERMS)
    assert outcome.verdict == scenario.verdict
    assert scenario.reason in (outcome.reasons or (None,))
    assert not scenario.is_misjudged(outcome)


def test_there_are_some_of_each_kind_and_no_name_twice() -> None:
    sizes = Counter(scenario.label for scenario in EVERY)
    assert tuple(sizes) == SCENARIO_SETS
    assert min(sizes.values()) >= 8
    assert len({scenario.name for scenario in EVERY}) == len(EVERY)


def test_the_figures_of_scenarios_are_in_the_catalogue() -> None:
    known = {*CATALOGUE, *(name.replace("<scenario>", "crash") for name in CATALOGUE)}
    assert {name for scenario in EVERY for name in scenario.figures} <= known


def test_known_bad_ones_look_good() -> None:
    """That is what makes them worth trying: by Sharpe alone they are better than the good ones."""
    good, bad = (
        sorted(s.figures["returns.sharpe"] for s in scenarios_named([name])) for name in ("good", "known_bad")
    )
    assert bad[len(bad) // 2] > good[len(good) // 2]


def test_the_same_policy_changes_no_scenario() -> None:
    tried = try_scenarios(EVERY, reference_policy(), reference_policy())
    assert tried["impact_ratio"] == 0
    assert all(part["changes"] == [] for part in tried["sets"].values())


def test_a_policy_without_bounds_lets_the_bad_ones_through_and_the_report_says_so() -> None:
    lax = policy_from_document({"version": 1, "validation_profiles": {"backtest": {}, "paper": {}}})
    tried = try_scenarios(scenarios_named(["known_bad"]), reference_policy(), lax)
    (part,) = tried["sets"].values()
    assert part["misjudged"]["old"] == []
    assert len(part["misjudged"]["new"]) == part["runs"]
    assert tried["impact_ratio"] == 1


def test_a_stricter_bound_names_whom_it_costs() -> None:
    tried = try_scenarios(scenarios_named(["good"]), reference_policy(), changed(sharpe_min=1.0))
    (part,) = tried["sets"].values()
    lost = {change["scenario"] for change in part["changes"]}
    assert lost == {"cross_sectional_value", "slow_allocation", "seasonal_futures", "volatility_timing"}
    assert {change["new"]["reasons"] for change in part["changes"]} == {("performance.sharpe_min",)}
    assert set(part["misjudged"]["new"]) == lost


def test_sets_are_taken_once_and_in_their_own_order() -> None:
    assert {s.label for s in scenarios_named(["bad", "good", "bad"])} == {"good", "bad"}
    assert scenarios_named(["bad", "good", "bad"])[0].label == "good"
    assert scenarios_named([]) == []


@pytest.mark.parametrize("name", ["", "god", "GOOD", "good.yaml", "../../etc/passwd", "known bad"])
def test_an_unknown_set_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        scenarios_named(["good", name])
    assert refused.value.faults[0].pointer == "/scenarios/1"
    assert "good, borderline, bad, known_bad" in refused.value.detail
