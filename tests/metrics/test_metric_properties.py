"""What must hold for any series of returns."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qmtl.metrics import CATALOGUE, deflated_sharpe_ratio, expected_max_sharpe, measure, measure_many

returns = st.integers(-2000, 2000).map(lambda points: points / 10_000)
panels = st.tuples(st.integers(1, 6), st.integers(1, 90)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=returns)
)
series = st.integers(2, 90).flatmap(lambda periods: arrays(np.float64, periods, elements=returns))


def figures(values, **options):
    return {name: column[0] for name, column in measure(values[None, :], **options).columns.items()}


def close(left, right):
    return np.allclose(left, right, rtol=1e-9, atol=1e-11, equal_nan=True)


@given(panels)
def test_a_strategy_in_a_panel_has_exactly_the_figures_that_it_has_alone(panel):
    together = measure(panel).columns
    for i, row in enumerate(panel):
        alone = figures(row)
        assert all(np.array_equal(together[name][i], alone[name], equal_nan=True) for name in alone)


def test_row_blocks_do_not_show_in_the_figures():
    panel = np.random.default_rng(5).normal(0.0, 0.01, (301, 1000))
    together = measure(panel).columns
    for i in (0, 130, 131, 262, 300):
        alone = figures(panel[i])
        assert all(np.array_equal(together[name][i], alone[name], equal_nan=True) for name in alone)


@given(st.lists(series, max_size=6))
def test_measure_many_equals_measure_in_the_order_given(many):
    rows = measure_many(many)
    assert [each.row for each in rows] == [measure(values[None, :]).row(0) for values in many]
    assert [each.missing for each in rows] == [measure(values[None, :]).missing(0) for values in many]


@given(st.lists(series, min_size=2, max_size=5))
def test_measure_many_gives_each_series_its_own_trials(many):
    trials = np.arange(1.0, len(many) + 1)
    rows = measure_many(many, trials=trials)
    each = [measure(values[None, :], trials=trials[i : i + 1]).row(0) for i, values in enumerate(many)]
    assert [row.row for row in rows] == each


@given(series)
def test_every_figure_has_the_sign_that_the_catalogue_says(values):
    for name, figure in figures(values).items():
        sign = CATALOGUE[name].sign
        assert np.isnan(figure) or sign == "any" or (figure >= 0 if sign == "+" else figure <= 0), name


@given(series)
def test_a_figure_is_finite_or_missing_with_a_reason(values):
    measures = measure(values[None, :])
    absent = {name for name, column in measures.columns.items() if np.isnan(column[0])}
    assert not any(np.isinf(column[0]) for column in measures.columns.values())
    assert set(measures.missing(0)) == absent


@given(series, st.sampled_from([0.125, 0.5, 2.0, 4.0]))
def test_ratios_do_not_depend_on_the_size_of_the_position(values, scale):
    names = ("sharpe", "sortino_ratio", "skew", "kurtosis", "win_rate", "profit_factor", "tail_ratio")
    before, after = figures(values), figures(values * scale)
    assert all(close(before[f"returns.{name}"], after[f"returns.{name}"]) for name in names)


@given(series, st.sampled_from([0.125, 0.5, 2.0, 4.0]))
def test_losses_and_spread_grow_with_the_size_of_the_position(values, scale):
    names = ("volatility", "var_p01", "var_p05", "es_p01", "es_p05", "best_period", "worst_period")
    before, after = figures(values), figures(values * scale)
    assert all(close(before[f"returns.{name}"] * scale, after[f"returns.{name}"]) for name in names)


@given(series)
def test_the_opposite_position_has_the_opposite_sharpe_and_skew(values):
    before, after = figures(values), figures(-values)
    assert close(before["returns.sharpe"], -after["returns.sharpe"])
    assert close(before["returns.skew"], -after["returns.skew"])
    assert close(before["returns.kurtosis"], after["returns.kurtosis"])


@given(series, st.sampled_from([-0.01, 0.01, 0.05]))
def test_a_shift_leaves_spread_and_shape_alone(values, shift):
    before, after = figures(values), figures(values + shift)
    for name in ("volatility", "skew", "kurtosis"):
        assert np.allclose(
            before[f"returns.{name}"], after[f"returns.{name}"], rtol=1e-9, atol=1e-9, equal_nan=True
        )


@given(series, st.randoms(use_true_random=False))
def test_the_order_of_periods_matters_only_to_drawdowns_and_parts(values, random):
    shuffled = values.copy()
    random.shuffle(shuffled)
    before, after = figures(values), figures(shuffled)
    of_order = ("drawdown", "calmar", "ulcer", "under_water", "cv_", "half")
    assert all(close(before[name], after[name]) for name in before if not any(w in name for w in of_order))


@given(series)
def test_shortfall_is_no_less_than_value_at_risk_and_grows_into_the_tail(values):
    figure = figures(values)
    assert figure["returns.es_p01"] >= figure["returns.var_p01"] - 1e-15
    assert figure["returns.es_p05"] >= figure["returns.var_p05"] - 1e-15
    assert figure["returns.var_p01"] >= figure["returns.var_p05"]


@given(series)
def test_one_trial_leaves_the_sharpe_undeflated(values):
    figure = figures(values, trials=np.array([1.0]), trial_sharpe_variance=np.array([0.3]))
    psr, dsr = (figure[f"robustness.{name}_sharpe_ratio"] for name in ("probabilistic", "deflated"))
    assert np.array_equal(psr, dsr, equal_nan=True)


@settings(max_examples=300)
@given(
    sharpe=st.floats(-0.5, 0.5),
    periods=st.integers(2, 5000),
    skew=st.floats(-3, 3),
    trials=st.integers(1, 10**12),
    more=st.integers(1, 10**6),
    variance=st.floats(0, 1),
)
def test_deflation_never_weakens_with_more_trials(sharpe, periods, skew, trials, more, variance):
    counts = np.array([trials, trials + more])
    few, many = deflated_sharpe_ratio(sharpe, periods, skew, skew * skew + 3, counts, variance)
    assert many <= few


def test_the_expected_greatest_sharpe_rises_from_zero():
    rising = expected_max_sharpe(np.arange(1, 2000), 0.01)
    assert rising[0] == 0.0
    assert np.all(np.diff(rising) > 0)
