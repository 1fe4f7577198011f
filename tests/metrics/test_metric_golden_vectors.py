"""Worked examples of the papers, and libraries that agree with us."""

from __future__ import annotations

import empyrical
import numpy as np
import pytest
from scipy import stats

from qmtl.metrics import (
    deflated_sharpe_ratio,
    expected_max_sharpe,
    measure,
    min_track_record_length,
    probabilistic_sharpe_ratio,
)

DAILY = 2.5 / np.sqrt(250)


@pytest.mark.parametrize(
    ("trials", "skew", "kurtosis", "paper"),
    [(100, -3, 10, 0.9004), (46, -3, 10, 0.9505), (88, 0, 3, 0.9505)],
)
def test_the_deflated_sharpe_ratio_of_the_paper(trials, skew, kurtosis, paper):
    assert deflated_sharpe_ratio(DAILY, 1250, skew, kurtosis, trials, 1 / 500) == pytest.approx(
        paper, abs=5e-5
    )


def test_the_hurdle_of_the_paper():
    assert expected_max_sharpe(100, 1 / 500) == pytest.approx(0.1132, abs=5e-5)


@pytest.mark.parametrize(("skew", "kurtosis", "paper"), [(0, 3, 0.982), (-2.448, 10.164, 0.913)])
def test_the_probabilistic_sharpe_ratio_of_the_paper(skew, kurtosis, paper):
    assert probabilistic_sharpe_ratio(0.458, 24, skew, kurtosis) == pytest.approx(paper, abs=5e-4)


@pytest.mark.parametrize(("per_year", "paper"), [(252, 2.73), (52, 2.83), (12, 3.24)])
def test_the_minimum_track_record_of_the_paper(per_year, paper):
    root = np.sqrt(per_year)
    assert min_track_record_length(2 / root, 0, 3, 1 / root) / per_year == pytest.approx(paper, abs=5e-3)


@pytest.mark.parametrize(("sharpe", "skew", "kurtosis"), [(0.1, 0, 3), (0.05, -1, 8), (0.3, 0.5, 4)])
def test_after_its_minimum_track_record_a_sharpe_is_trusted_at_95_percent(sharpe, skew, kurtosis):
    length = min_track_record_length(sharpe, skew, kurtosis)
    assert probabilistic_sharpe_ratio(sharpe, length, skew, kurtosis) == pytest.approx(0.95, rel=1e-12)


@pytest.fixture(scope="module")
def panel():
    rng = np.random.default_rng(11)
    return np.clip(rng.standard_t(4, (20, 700)) * 0.01 + 0.0004, -0.9, None)


@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("total_return", empyrical.cum_returns_final),
        ("cagr", empyrical.annual_return),
        ("volatility", empyrical.annual_volatility),
        ("sharpe", empyrical.sharpe_ratio),
        ("sortino_ratio", empyrical.sortino_ratio),
        ("max_drawdown", empyrical.max_drawdown),
        ("calmar_ratio", empyrical.calmar_ratio),
        ("tail_ratio", empyrical.tail_ratio),
        ("var_p05", lambda row: -empyrical.value_at_risk(row, 0.05)),
        ("es_p05", lambda row: -empyrical.conditional_value_at_risk(row, 0.05)),
        ("skew", stats.skew),
        ("kurtosis", lambda row: stats.kurtosis(row, fisher=False)),
    ],
)
def test_a_library_agrees(panel, name, library):
    expected = [library(row) for row in panel]
    assert measure(panel).columns[f"returns.{name}"] == pytest.approx(expected, rel=1e-9)


def test_empyrical_takes_the_risk_free_rate_per_period(panel):
    ours = measure(panel[:1], risk_free_rate=0.0252).columns["returns.sharpe"][0]
    assert ours == pytest.approx(empyrical.sharpe_ratio(panel[0], risk_free=0.0001), rel=1e-9)
