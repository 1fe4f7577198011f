"""What cannot be computed is missing, and says why."""

from __future__ import annotations

import numpy as np
import pytest

from qmtl.metrics import measure, sharpe_per_period

WINS = [0.01, 0.02] * 40
FLAT_HALF = [0.01] * 40 + [0.01, -0.02] * 20


@pytest.mark.parametrize(
    ("returns", "metric", "reason"),
    [
        ([], "returns.sharpe", "no returns"),
        ([0.01], "returns.sharpe", "needs at least 2 points"),
        ([0.01], "returns.cagr", "needs at least 2 points"),
        ([0.01] * 80, "returns.sharpe", "zero variance"),
        ([0.01] * 80, "returns.skew", "zero variance"),
        ([0.01] * 80, "returns.kurtosis", "zero variance"),
        ([0.01] * 80, "robustness.deflated_sharpe_ratio", "zero variance"),
        ([0.1] * 80, "robustness.cv_sharpe_mean", "zero variance in a fold"),
        (FLAT_HALF, "robustness.cv_sharpe_std", "zero variance in a fold"),
        (FLAT_HALF, "robustness.sharpe_first_half", "zero variance in the first half"),
        (FLAT_HALF, "robustness.cv_sharpe_gap", "zero variance in the first half"),
        (FLAT_HALF[::-1], "robustness.cv_sharpe_gap", "zero variance in the second half"),
        (WINS, "returns.sortino_ratio", "no losing period"),
        (WINS, "returns.profit_factor", "no losing period"),
        (WINS, "returns.gain_to_pain_ratio", "no losing period"),
        (WINS, "returns.calmar_ratio", "no drawdown"),
        ([0.0] * 80, "returns.win_rate", "no return other than zero"),
        ([0.0] * 80 + [0.1], "returns.tail_ratio", "the lower quantile is zero"),
        ([0.01, -0.02] * 40, "robustness.min_track_record_length", "the Sharpe is not above zero"),
        ([0.01, -0.02] * 29, "robustness.cv_folds", "needs at least 60 points"),
        ([0.01, -0.02, 0.01], "robustness.sharpe_first_half", "needs at least 4 points"),
        ([0.01, -0.02], "robustness.sharpe_second_half", "needs at least 3 points"),
        ([9.0, 9.5], "returns.cagr", "not a finite number"),
        ([1e300, 0.01] * 40, "returns.sharpe", "not a finite number"),
        ([1e160, -0.5] * 40, "returns.sharpe", "not a finite number"),
        ([0.01, np.nan], "returns.volatility", "not a series of returns (NaN, Infinity or below -1)"),
        ([0.01, np.inf], "returns.sharpe", "not a series of returns (NaN, Infinity or below -1)"),
        ([0.01, -1.5], "returns.max_drawdown", "not a series of returns (NaN, Infinity or below -1)"),
    ],
)
def test_a_missing_figure_says_why(returns, metric, reason):
    measures = measure(np.array(returns, dtype=float)[None, :], periods_per_year=8760)
    block, name = metric.split(".")
    assert measures.row(0)[block][name] is None
    assert measures.missing(0)[metric] == reason


def test_a_bad_count_of_trials_is_said():
    measures = measure(np.array([[0.01, -0.005] * 40]), trials=np.array([0.0]))
    assert measures.missing(0) == {
        "robustness.deflated_sharpe_ratio": "fewer than one trial or a negative variance of the trials"
    }


def test_an_ordinary_series_misses_nothing():
    assert measure(np.array([[0.01, -0.005, 0.0, 0.004] * 20])).missing(0) == {}


@pytest.mark.parametrize("rate", [1e-7, 1e-4, 0.0003, 0.001, 0.1, 1 / 3])
def test_a_constant_series_has_no_sharpe_whatever_rounding_leaves(rate):
    equity = (1 + rate) ** np.arange(500)
    constant = np.full(500, rate)
    grown = equity[1:] / equity[:-1] - 1
    assert np.isnan(sharpe_per_period(constant[None, :])[0])
    assert np.isnan(sharpe_per_period(grown[None, :])[0])


def test_a_constant_series_has_no_volatility_but_that_is_a_figure():
    assert measure(np.full((1, 80), 0.1)).row(0)["returns"]["volatility"] == 0.0


def test_small_returns_are_not_taken_for_constant():
    returns = np.random.default_rng(0).normal(1e-10, 1e-9, (1, 300))
    assert sharpe_per_period(returns) == pytest.approx(sharpe_per_period(returns * 2**20), rel=1e-9)


def test_after_a_total_loss_equity_stays_at_zero():
    returns = measure(np.array([[0.1, -1.0, 5.0, 0.2]])).row(0)["returns"]
    assert (returns["total_return"], returns["max_drawdown"], returns["cagr"]) == (-1.0, -1.0, -1.0)
    assert returns["max_time_under_water_days"] == 3.0


def test_a_first_loss_is_a_drawdown_from_the_starting_equity():
    assert measure(np.array([[-0.2, 0.1]])).columns["returns.max_drawdown"][0] == pytest.approx(-0.2)


def test_a_bad_row_leaves_its_neighbours_alone():
    good = np.random.default_rng(1).normal(0, 0.01, 100)
    rows = measure(np.stack([good, np.full(100, np.nan)]))
    assert rows.row(0) == measure(good[None, :]).row(0)
    assert rows.row(1)["returns"]["sample_count"] == 100


def test_counts_are_whole_numbers():
    row = measure(np.array([[0.01, -0.005] * 40])).row(0)
    assert (type(row["returns"]["sample_count"]), type(row["robustness"]["cv_folds"])) == (int, int)


def test_no_strategies_have_no_figures():
    assert measure(np.empty((0, 100))).columns["returns.sharpe"].shape == (0,)


def test_only_the_metrics_asked_for_are_computed():
    assert set(measure(np.zeros((1, 10)), only={"returns.sharpe"}).columns) == {"returns.sharpe"}
