"""What the demo policy makes of the strategies, by the kernel's figures and the bounds in the file.

Not the service's rules over again: only enough of them to see that the demo shows what it is meant to show.
"""

from __future__ import annotations

from statistics import variance
from typing import Any

import numpy as np
import pytest

from qmtl.metrics import measure_many, sharpe_per_period
from qmtl_site.demo.portfolio import Simulation
from qmtl_site.demo.strategies import DEMO
from qmtl_site.demo.strategies.strategy import DAYS_PER_YEAR
from worlds.domain.policy import load_policy

Figures = dict[str, float]


@pytest.fixture(scope="module")
def figures(records: dict[str, Simulation]) -> dict[str, Figures]:
    """Each strategy's figures as a backtest run of its whole record would have them, trials by family."""
    sharpes = {each: float(sharpe_per_period(records[each].returns[np.newaxis])[0]) for each in records}
    families = [[sharpes[other.id] for other in DEMO if other.family == each.family] for each in DEMO]
    rows = measure_many(
        [records[each.id].returns for each in DEMO],
        trials=np.array(
            [
                max(len(family), each.search_intensity or 0)
                for each, family in zip(DEMO, families, strict=True)
            ],
            dtype=np.float64,
        ),
        trial_sharpe_variance=np.array(
            [variance(family) if len(family) > 1 else np.nan for family in families]
        ),
    )
    return {
        each.id: {
            name: value
            for block in measured.row.values()
            for name, value in block.items()
            if value is not None
        }
        | {"years": len(records[each.id].returns) / DAYS_PER_YEAR, "trades": records[each.id].trades}
        for each, measured in zip(DEMO, rows, strict=True)
    }


@pytest.fixture(scope="module")
def failures(figures: dict[str, Figures], policy: dict[str, Any]) -> dict[str, set[str]]:
    """The blocking bounds of the backtest profile that each strategy breaks."""
    profile = policy["validation_profiles"]["backtest"]
    bounds = {name: bound for section in profile.values() for name, bound in section.items()}
    return {each: broken(row, bounds) for each, row in figures.items()}


def broken(row: Figures, bounds: dict[str, float]) -> set[str]:
    held = {
        "min_effective_years": row["years"] >= bounds["min_effective_years"],
        "min_trades_total": row["trades"] >= bounds["min_trades_total"],
        "sharpe_min": row["sharpe"] >= bounds["sharpe_min"],
        "max_dd_max": -row["max_drawdown"] <= bounds["max_dd_max"],
        "gain_to_pain_min": row["gain_to_pain_ratio"] >= bounds["gain_to_pain_min"],
        "dsr_min": row["deflated_sharpe_ratio"] >= bounds["dsr_min"],
        "psr_min": row["probabilistic_sharpe_ratio"] >= bounds["psr_min"],
    }
    return {name for name, holds in held.items() if not holds}


def test_the_service_accepts_the_policy(policy_text: str) -> None:
    assert load_policy(policy_text, media="yaml").version == 1


def test_several_pass_and_several_fail(failures: dict[str, set[str]]) -> None:
    passed = [each for each, broke in failures.items() if not broke]
    assert len(passed) >= 4
    assert len(failures) - len(passed) >= 5


def test_they_fail_for_different_reasons(failures: dict[str, set[str]]) -> None:
    assert {"min_effective_years", "sharpe_min", "max_dd_max", "dsr_min"} <= set().union(*failures.values())


@pytest.mark.parametrize(
    ("strategy", "reason"),
    [
        ("near_high", "min_effective_years"),
        ("turn_of_month", "sharpe_min"),
        ("tsmom_252", "sharpe_min"),
        ("mom_top1", "max_dd_max"),
        ("losers_756", "max_dd_max"),
        ("reversal_1", "sharpe_min"),
    ],
)
def test_each_failure_is_what_the_strategy_is(
    failures: dict[str, set[str]], strategy: str, reason: str
) -> None:
    assert reason in failures[strategy]


def test_the_mined_rule_looks_good_in_all_but_the_number_of_tries(failures: dict[str, set[str]]) -> None:
    assert failures["mined_500"] == {"dsr_min"}


def test_most_of_what_the_loser_loses_is_cost(records: dict[str, Simulation]) -> None:
    record = records["reversal_1"]
    yearly_cost, yearly_return = record.annual_turnover * 5e-4, float(record.returns.mean()) * DAYS_PER_YEAR
    assert yearly_return < 0.0
    assert yearly_cost > 0.8 * -yearly_return


def test_the_twins_are_too_alike_to_be_taken_together(
    records: dict[str, Simulation], failures: dict[str, set[str]], policy: dict[str, Any]
) -> None:
    correlation = np.corrcoef(records["mom_126"].returns, records["mom_120"].returns)[0, 1]
    assert correlation > policy["selection"]["correlation"]["max"]
    assert not failures["mom_126"]
    assert not failures["mom_120"]


def test_the_decayed_one_was_good_until_its_last_year(
    records: dict[str, Simulation], since: dict[str, Simulation], failures: dict[str, set[str]]
) -> None:
    last_year = since["leaders_756"].returns[-DAYS_PER_YEAR:]
    before, after = (sharpe_per_period(r[np.newaxis])[0] for r in (records["leaders_756"].returns, last_year))
    assert not failures["leaders_756"]
    assert before * np.sqrt(DAYS_PER_YEAR) > 1.0
    assert after < 0.0


def test_the_mined_rule_earns_nothing_outside_the_years_that_chose_it(since: dict[str, Simulation]) -> None:
    assert since["mined_500"].returns.sum() < 0.0


def test_there_is_room_in_the_policy_for_fewer_than_pass(
    failures: dict[str, set[str]], policy: dict[str, Any]
) -> None:
    passed = [each for each, broke in failures.items() if not broke]
    assert policy["selection"]["top_k"]["k"] < len(passed)
