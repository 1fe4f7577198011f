"""What a candidate adds to a portfolio, and shares of variance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evaluation.domain.portfolio import additions, contributions, portfolio_returns
from qmtl.metrics import incremental_var_es, measure

NAN = np.nan
FIGURES = ("incremental_var_99", "incremental_es_99", "sharpe_uplift")

returns = st.integers(-2000, 2000).map(lambda points: points / 10_000)
rows = st.tuples(st.integers(1, 5), st.integers(2, 40)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=returns)
)


def noise(seed, *shape):
    return np.random.default_rng(seed).normal(0.0005, 0.01, shape)


def added(live, weights, candidates, proposed, **options):
    settings = {"periods_per_year": 252.0, "min_points": 20} | options
    return additions(
        np.asarray(live), np.asarray(weights), np.asarray(candidates), np.asarray(proposed), **settings
    )


def sharpe(series, **options):
    return measure(series[None], **options).columns["returns.sharpe"][0]


LIVE, WEIGHTS = noise(1, 3, 200), np.array([0.5, 0.2, 0.1])
NOBODY, NOTHING = np.empty((0, 200)), np.empty(0)
CANDIDATES, PROPOSED = noise(2, 40, 200), np.linspace(0.01, 0.3, 40)


def test_tail_figures_are_those_of_the_catalogue():
    found = added(LIVE, WEIGHTS, CANDIDATES, PROPOSED)
    expected = [
        incremental_var_es(WEIGHTS @ LIVE, own, weight)
        for own, weight in zip(CANDIDATES, PROPOSED, strict=True)
    ]
    np.testing.assert_allclose(found.incremental_var_99, [var for var, _ in expected], atol=1e-15)
    np.testing.assert_allclose(found.incremental_es_99, [es for _, es in expected], atol=1e-15)


def test_the_uplift_is_the_sharpe_with_less_the_sharpe_without():
    found = added(LIVE, WEIGHTS, CANDIDATES, PROPOSED, risk_free_rate=0.02)
    base = WEIGHTS @ LIVE
    for own, weight, uplift in zip(CANDIDATES, PROPOSED, found.sharpe_uplift, strict=True):
        with_it, without = (sharpe(r, risk_free_rate=0.02) for r in (base + weight * own, base))
        assert uplift == pytest.approx(with_it - without, rel=1e-9)


def test_with_nobody_live_the_figures_are_the_candidates_own():
    found = added(NOBODY, NOTHING, CANDIDATES, PROPOSED, risk_free_rate=0.02)
    own = measure(PROPOSED[:, None] * CANDIDATES).columns
    np.testing.assert_allclose(found.incremental_var_99, own["returns.var_p01"], rtol=1e-12)
    np.testing.assert_allclose(found.incremental_es_99, own["returns.es_p01"], rtol=1e-12)
    alone = measure(CANDIDATES, risk_free_rate=0.02).columns["returns.sharpe"]
    np.testing.assert_allclose(found.sharpe_uplift, alone, rtol=1e-12)


def test_a_hedge_takes_risk_away():
    found = added(LIVE, WEIGHTS, -(WEIGHTS @ LIVE)[None], [0.5])
    assert found.incremental_var_99[0] < 0
    assert found.incremental_es_99[0] < 0


def test_only_common_points_count():
    live, candidates = LIVE.copy(), CANDIDATES[:2].copy()
    live[1, :50] = NAN
    candidates[0, 180:] = NAN
    found = added(live, WEIGHTS, candidates, PROPOSED[:2])
    for i, common in enumerate((slice(50, 180), slice(50, 200))):
        alone = added(LIVE[:, common], WEIGHTS, CANDIDATES[i : i + 1, common], PROPOSED[i : i + 1])
        assert found.points[i] == common.stop - common.start
        assert all(getattr(found, name)[i] == getattr(alone, name)[0] for name in FIGURES)


def test_a_live_strategy_without_weight_is_not_concerned():
    live = np.vstack([LIVE, np.full(200, NAN)])
    with_it, without = (
        added(LIVE, WEIGHTS, CANDIDATES, PROPOSED),
        added(live, [*WEIGHTS, 0.0], CANDIDATES, PROPOSED),
    )
    assert all(np.array_equal(getattr(with_it, name), getattr(without, name)) for name in FIGURES)


@pytest.mark.parametrize(("min_points", "is_known"), [(1, True), (30, True), (31, False)])
def test_below_the_least_points_nothing_is_known(min_points, is_known):
    candidate = CANDIDATES[:1].copy()
    candidate[0, 30:] = NAN
    found = added(LIVE, WEIGHTS, candidate, [0.1], min_points=min_points)
    assert all(np.isnan(getattr(found, name)[0]) != is_known for name in FIGURES)


@pytest.mark.parametrize(
    ("live", "weights", "candidate"),
    [
        (np.full((1, 200), 0.001), [1.0], CANDIDATES[:1]),
        (NOBODY, NOTHING, np.full((1, 200), 0.001)),
        (LIVE[:1], [1.0], -LIVE[:1]),
    ],
    ids=["flat portfolio", "flat candidate alone", "nothing left"],
)
def test_without_variance_there_is_no_uplift_but_a_tail(live, weights, candidate):
    found = added(live, weights, candidate, [1.0])
    assert np.isnan(found.sharpe_uplift[0])
    assert np.isfinite(found.incremental_es_99[0])


@pytest.mark.parametrize(
    ("live", "candidates"),
    [(np.full((1, 200), NAN), CANDIDATES), (LIVE[:1], np.full((2, 200), NAN)), (LIVE[:1], NOBODY)],
    ids=["live without returns", "candidates without returns", "no candidates"],
)
def test_missing_returns_leave_everything_unknown(live, candidates):
    found = added(live, [1.0], candidates, np.full(len(candidates), 0.1))
    assert all(np.isnan(getattr(found, name)).all() for name in FIGURES)
    assert found.points.tolist() == [0] * len(candidates)


def test_neighbours_and_blocks_do_not_show_in_the_figures():
    candidates, proposed = noise(4, 700, 400), np.linspace(0.0, 1.0, 700)
    candidates[::3, :7] = NAN
    live = noise(5, 2, 400)
    together = added(live, [0.5, 0.5], candidates, proposed)
    for i in (0, 326, 327, 328, 654, 699):
        alone = added(live, [0.5, 0.5], candidates[i : i + 1], proposed[i : i + 1])
        assert all(getattr(together, name)[i] == getattr(alone, name)[0] for name in FIGURES)


def test_a_portfolio_has_no_return_where_a_member_has_none():
    found = portfolio_returns(np.array([[0.1, NAN, 0.3], [0.2, 0.2, 0.2]]), np.array([0.5, 1.0]))
    np.testing.assert_allclose(found, [0.25, NAN, 0.35])


def test_contributions_are_shares_of_the_covariance_matrix():
    variance = np.cov(LIVE)
    expected = WEIGHTS * (variance @ WEIGHTS) / (WEIGHTS @ variance @ WEIGHTS)
    np.testing.assert_allclose(contributions(LIVE, WEIGHTS), expected, rtol=1e-10)


@given(rows, st.integers(0, 2**32 - 1))
def test_contributions_sum_to_one_or_are_unknown(values, seed):
    shares = contributions(values, np.random.default_rng(seed).random(len(values)) + 0.1)
    assert np.isnan(shares).all() or shares.sum() == pytest.approx(1.0, abs=1e-6)


def test_a_strategy_without_weight_contributes_nothing_and_need_not_have_returns():
    values = np.vstack([LIVE, np.full(200, NAN)])
    shares = contributions(values, np.array([*WEIGHTS, 0.0]))
    assert shares[3] == 0.0
    np.testing.assert_array_equal(shares[:3], contributions(LIVE, WEIGHTS))


@pytest.mark.parametrize(
    ("values", "weights"),
    [
        (np.full((2, 30), 0.01), [0.5, 0.5]),
        (np.stack([noise(1, 30), -noise(1, 30)]), [0.5, 0.5]),
        (noise(1, 2, 30), [0.0, 0.0]),
        (noise(1, 2, 1), [0.5, 0.5]),
        (np.array([[0.1, NAN], [NAN, 0.2]]), [0.5, 0.5]),
        (np.empty((0, 5)), []),
    ],
    ids=["constant", "perfect hedge", "no weight", "one point", "no common point", "nobody"],
)
def test_without_variance_no_share_is_known(values, weights):
    shares = contributions(values, np.array(weights, dtype=np.float64))
    assert len(shares) == len(weights)
    assert np.isnan(shares).all()
