"""Pnl, sample, benchmark, incremental risk and the envelope's keys."""

from __future__ import annotations

import numpy as np
import pytest

from qmtl.metrics import (
    alpha_performance,
    benchmark_block,
    incremental_var_es,
    measure,
    pnl_block,
    regime_coverage,
    sample_block,
    simulate_equity,
)

DAY = 86_400_000


def noise(seed, periods=300):
    return np.random.default_rng(seed).normal(0.0005, 0.01, periods)


def test_pnl_counts_the_starting_capital_as_the_first_peak():
    block = pnl_block(np.array([90.0, 120.0, 105.0]), starting_capital=100.0)
    assert block == {"sample_count": 3, "pnl_total": 5.0, "pnl_max_drawdown": -15.0, "pnl_equity_peak": 120.0}


def test_pnl_of_a_loser_peaks_at_its_start():
    block = pnl_block(np.array([90.0, 80.0]), starting_capital=100.0)
    assert (block["pnl_max_drawdown"], block["pnl_equity_peak"]) == (-20.0, 100.0)


def test_simulated_equity_compounds_and_stays_at_zero():
    assert simulate_equity(np.array([0.5, -1.0, 0.5]), 100.0).tolist() == [150.0, 0.0, 0.0]


def test_sample_counts_utc_dates_not_periods():
    hours = np.arange(48, dtype=np.int64) * 3_600_000 + DAY // 2
    block = sample_block(timestamps=hours, period_count=48, periods_per_year=8760, n_trades_total=24)
    assert block == {
        "sample_days": 3,
        "effective_history_years": 48 / 8760,
        "n_trades_total": 24,
        "n_trades_per_year": pytest.approx(4380),
    }


def test_uncounted_trades_are_missing():
    block = sample_block(timestamps=np.array([0]), period_count=1, periods_per_year=252, n_trades_total=None)
    assert (block["n_trades_total"], block["n_trades_per_year"]) == (None, None)


def test_regimes_of_the_whole_benchmark_are_thirds():
    moments = np.arange(319, dtype=np.int64) * DAY
    coverage = regime_coverage(moments, moments, noise(1, 319))
    assert coverage == pytest.approx({"low_vol": 1 / 3, "mid_vol": 1 / 3, "high_vol": 1 / 3})


def test_a_calm_sample_lies_in_the_calm_regime():
    moments = np.arange(300, dtype=np.int64) * DAY
    benchmark = noise(2) * np.repeat([0.1, 1.0, 5.0], 100)
    assert regime_coverage(moments[40:90], moments, benchmark) == {
        "low_vol": 1.0,
        "mid_vol": 0.0,
        "high_vol": 0.0,
    }


@pytest.mark.parametrize("sample", [range(19), range(500, 600)])
def test_regimes_are_unknown_where_the_benchmark_has_no_volatility_yet(sample):
    moments = np.arange(300, dtype=np.int64)
    assert regime_coverage(np.array(sample, dtype=np.int64), moments, noise(1)) is None


def test_regimes_need_a_benchmark():
    none = np.array([], dtype=np.int64)
    assert regime_coverage(none, none, np.array([])) is None


def test_a_strategy_against_its_benchmark():
    returns, market = noise(1), noise(2)
    block, missing = benchmark_block(returns, market, periods_per_year=252, risk_free_rate=0.02)
    beta = np.cov(returns, market)[0, 1] / np.var(market, ddof=1)
    free, active = 0.02 / 252, returns - market
    own = measure(np.stack([returns, market]), risk_free_rate=0.02).columns
    assert missing == {}
    assert block == pytest.approx(
        {
            "sharpe": own["returns.sharpe"][1],
            "max_drawdown": own["returns.max_drawdown"][1],
            "volatility": own["returns.volatility"][1],
            "alpha": 252 * (returns.mean() - free - beta * (market.mean() - free)),
            "beta": beta,
            "information_ratio": active.mean() / active.std(ddof=1) * np.sqrt(252),
            "sharpe_uplift": own["returns.sharpe"][0] - own["returns.sharpe"][1],
        },
        rel=1e-9,
    )


def test_a_leveraged_benchmark_has_its_leverage_as_beta_and_no_alpha():
    market = noise(4)
    block, _ = benchmark_block(2 * market, market, periods_per_year=252)
    assert block["beta"] == pytest.approx(2.0)
    assert block["alpha"] == pytest.approx(0.0, abs=1e-12)


def test_a_benchmark_that_stands_still_has_no_beta():
    block, missing = benchmark_block(noise(1), np.zeros(300), periods_per_year=252)
    unknown = {"sharpe", "alpha", "beta", "sharpe_uplift"}
    assert missing == dict.fromkeys(unknown, "zero variance of the benchmark")
    assert {name for name, figure in block.items() if figure is None} == unknown


def test_a_strategy_that_is_its_benchmark_has_no_information_ratio():
    _, missing = benchmark_block(noise(1), noise(1), periods_per_year=252)
    assert missing == {"information_ratio": "zero variance of the difference"}


@pytest.mark.parametrize("points", [0, 1])
def test_fewer_than_two_common_points_say_little(points):
    _, missing = benchmark_block(noise(1, points), noise(2, points), periods_per_year=252)
    assert missing["beta"] == "needs at least 2 points"


def test_series_of_different_lengths_are_a_mistake():
    with pytest.raises(ValueError, match="same timestamps"):
        benchmark_block(noise(1, 5), noise(1, 6), periods_per_year=252)


def test_with_an_empty_live_set_the_increment_is_the_strategys_own_risk():
    own = measure(0.25 * noise(1)[None, :]).columns
    increment = incremental_var_es(np.zeros(300), noise(1), 0.25)
    assert increment == pytest.approx((own["returns.var_p01"][0], own["returns.es_p01"][0]))


def test_the_increment_may_be_asked_for_at_any_level():
    var, es = incremental_var_es(np.zeros(300), noise(1), 1.0, p=0.025)
    bound = np.quantile(noise(1), 0.025)
    assert (var, es) == pytest.approx((-bound, -noise(1)[noise(1) <= bound].mean()))


def test_a_hedge_lowers_the_risk():
    var, es = incremental_var_es(noise(1), -noise(1), 0.5)
    assert var < 0
    assert es < 0


def test_the_envelope_has_six_keys():
    returns = noise(1)
    own = measure(returns[None, :]).row(0)["returns"]
    assert alpha_performance(returns, periods_per_year=252) == pytest.approx(
        {
            "alpha_performance.sharpe": own["sharpe"],
            "alpha_performance.max_drawdown": own["max_drawdown"],
            "alpha_performance.win_ratio": own["win_rate"],
            "alpha_performance.profit_factor": own["profit_factor"],
            "alpha_performance.car_mdd": own["calmar_ratio"],
            "alpha_performance.rar_mdd": own["cagr"] / own["volatility"] / abs(own["max_drawdown"]),
        }
    )


@pytest.mark.parametrize("returns", [[], [0.0], [np.nan, 0.1], [0.0, 0.0]])
def test_in_the_envelope_unknown_is_zero(returns):
    assert set(alpha_performance(np.array(returns), periods_per_year=252).values()) == {0.0}
