"""What the walk tells follows from the returns after the backtests, and from nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from qmtl_site.demo.prices import BACKTEST_END, DAY, Prices
from qmtl_site.demo.story import demotions, promotions, twins
from qmtl_site.demo.strategies import DemoStrategy
from qmtl_site.demo.walk import Step, walk
from tests.demo.conftest import TERMS
from worlds.domain.policy import Policy


def test_it_decides_on_the_first_of_each_month_of_two_years(steps: list[Step]) -> None:
    days = [step.day for step in steps]
    assert (days[0], days[-1], len(days)) == ("2021-02-01", "2023-01-01", 24)
    assert all(day.endswith("-01") for day in days)


def test_nobody_is_judged_by_a_record_that_is_too_short(steps: list[Step]) -> None:
    early = [step for step in steps if step.day < "2021-08-01"]
    assert len(early) == 6
    for step in early:
        assert step.document["funnel"]["held"] == 9
        assert all("at least 26w" in told["reasons"][0] for told in step.document["candidates"])


def test_strategies_climb_after_promote_after_passes(steps: list[Step], typed_policy: Policy) -> None:
    assert typed_policy.selection is not None
    needed = typed_policy.selection.hysteresis.promote_after
    climbed = promotions(steps)
    assert needed == 2
    assert {move.strategy_id for move in climbed if move.day == "2021-09-01"} >= {"vol_target", "mom_120"}
    assert min(len(move.counted) for move in climbed) == needed


def test_who_passes_while_all_places_are_taken_waits(steps: list[Step]) -> None:
    waited = [move for move in promotions(steps) if len(move.counted) > 2]
    assert waited
    assert all("live slots are taken" in move.before for move in waited)


def test_the_twin_is_held_and_says_by_whom(steps: list[Step]) -> None:
    (twin,) = twins(steps)
    assert twin.strategy_id == "mom_126"
    assert twin.highest["mom_120"] == pytest.approx(0.98, abs=0.01)
    held = [step for step in steps if "with mom_120" in step.told("mom_126")["reasons"][0]]
    assert len(held) == twin.decisions["mom_120"] >= 5
    for step in held:
        assert step.told("mom_126")["outcome"] == "hold"
        assert "mom_120" in step.live
        assert step.told("mom_126")["reasons"][0].endswith("correlation 0.98 with mom_120, above 0.9")


@pytest.mark.parametrize("name", ["leaders_756", "pair_ko_pep"])
def test_the_decayed_are_demoted_after_demote_after_failures(
    steps: list[Step], typed_policy: Policy, name: str
) -> None:
    assert typed_policy.selection is not None
    needed = typed_policy.selection.hysteresis.demote_after
    (move,) = (move for move in demotions(steps) if move.strategy_id == name)
    assert (needed, move.day, move.counted) == (2, "2022-05-01", ("2022-04-01", "2022-05-01"))
    assert name not in steps[-1].live


def test_each_has_the_reason_that_its_returns_give(steps: list[Step]) -> None:
    reasons = {move.strategy_id: move.reason for move in demotions(steps)}
    assert reasons["pair_ko_pep"].startswith("sharpe -0.89")
    assert reasons["leaders_756"].startswith("would be 8th")


def test_the_live_set_stays_within_the_policy(
    steps: list[Step], typed_policy: Policy, passed: list[DemoStrategy]
) -> None:
    assert typed_policy.selection is not None
    assert typed_policy.selection.top_k is not None
    families = {demo.id: demo.family for demo in passed}
    for step in steps:
        assert len(step.live) <= typed_policy.selection.top_k.k
        assert sum(families[name] == "momentum" for name in step.live) <= 3
        assert sum(step.document["weights"].values()) <= 1.0 + 1e-9


def test_no_decision_knows_a_later_price(
    steps: list[Step], typed_policy: Policy, passed: list[DemoStrategy], prices: Prices
) -> None:
    end = BACKTEST_END + 500 * DAY
    close = prices.close.copy()
    later = prices.dates > end
    close[:, later] *= np.random.default_rng(1).uniform(0.5, 2.0, size=close[:, later].shape)
    other = walk(typed_policy, TERMS, passed, Prices(prices.dates, close, prices.tickers))
    known = [step.document for step in steps if step.now <= end]
    assert len(known) == 16
    assert [step.document for step in other if step.now <= end] == known
