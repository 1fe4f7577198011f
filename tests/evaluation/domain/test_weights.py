"""Weights: methods, fallbacks, bounds, canaries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skfolio.optimization import HierarchicalRiskParity, InverseVolatility, RiskBudgeting

from qmtl.portfolio.weights import (
    equal_contributions,
    hierarchical_risk_parity,
    inverse_volatility,
    risk_parity,
    shrunk_correlation,
    weights,
    within_bounds,
)

NAN = np.nan
METHODS = ("equal", "score", "inverse_volatility", "risk_parity", "hrp")
OF_RISK = METHODS[2:]


def market(seed, n, periods=120):
    """Records of different size with a common factor."""
    rng = np.random.default_rng(seed)
    common = rng.normal(0, 1, periods) * rng.uniform(-0.3, 1.0, (n, 1))
    return (common + rng.normal(0, 1, (n, periods))) * rng.uniform(0.001, 0.05, (n, 1))


def weigh(method, n, **given):
    settings = {"families": [f"family {i}" for i in range(n)], "canary": np.ones(n)} | given
    return weights(method, n=n, **settings)


def anything_for(n, seed=3):
    return {"scores": np.random.default_rng(seed).normal(0.5, 1, n), "returns": market(seed, n)}


# --- methods


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([1, 3], [0.25, 0.75]),
        ([2, -5, 2], [0.5, 0, 0.5]),
        ([1e308, 1e308, 0], [0.5, 0.5, 0]),
        ([1e-320, -1], [1, 0]),
    ],
)
def test_capital_goes_in_proportion_to_positive_scores(scores, expected):
    found = weigh("score", len(scores), scores=np.array(scores, dtype=np.float64))
    np.testing.assert_allclose(found.weights, expected, rtol=1e-12)
    assert (found.method_used, found.reason) == ("score", None)


def test_inverse_volatility_is_that_of_skfolio():
    returns = market(1, 8)
    np.testing.assert_allclose(
        inverse_volatility(returns), InverseVolatility().fit(returns.T).weights_, rtol=1e-9
    )


@pytest.mark.parametrize("n", [2, 3, 5, 8, 13, 40])
def test_hierarchical_risk_parity_is_that_of_skfolio(n):
    returns = market(n, n)
    skfolio = HierarchicalRiskParity().fit(returns.T).weights_
    np.testing.assert_allclose(hierarchical_risk_parity(returns), skfolio, rtol=1e-9)


def test_equal_contributions_are_those_of_skfolio():
    returns = market(2, 6)
    np.testing.assert_allclose(
        equal_contributions(np.cov(returns)), RiskBudgeting().fit(returns.T).weights_, atol=1e-5
    )


@pytest.mark.parametrize("correlation", [-0.49, 0.0, 0.5, 1.0])
def test_with_one_correlation_for_all_risk_parity_is_inverse_volatility(correlation):
    # Maillard, Roncalli and Teiletche (2010), section 2.3.
    sigma = np.array([0.01, 0.02, 0.05])
    matrix = np.full((3, 3), correlation)
    np.fill_diagonal(matrix, 1.0)
    found = equal_contributions(matrix * np.outer(sigma, sigma))
    np.testing.assert_allclose(found, 1 / sigma / (1 / sigma).sum(), rtol=1e-9)


@settings(max_examples=50)
@given(st.integers(0, 10_000), st.integers(2, 30), st.integers(20, 80))
def test_everyone_bears_the_same_risk_under_risk_parity(seed, n, periods):
    returns = market(seed, n, periods)
    sigma = returns.std(axis=1, ddof=1)
    found = risk_parity(returns)
    borne = found * ((shrunk_correlation(returns) * np.outer(sigma, sigma)) @ found)
    np.testing.assert_allclose(borne / borne.sum(), 1 / n, rtol=1e-8)


@settings(max_examples=50)
@given(st.integers(0, 10_000), st.floats(0.01, 100))
def test_a_position_of_twice_the_size_gets_half_the_weight_under_risk_parity(seed, size):
    returns = market(seed, 5)
    scale = np.array([size, 1, 1, 1, 1])
    expected = risk_parity(returns) / scale
    np.testing.assert_allclose(risk_parity(returns * scale[:, None]), expected / expected.sum(), rtol=1e-8)


def test_two_that_cancel_each_other_have_no_equal_contributions():
    assert np.isnan(equal_contributions(np.array([[1.0, -1.0], [-1.0, 1.0]]))).all()


@pytest.mark.parametrize("method", OF_RISK)
def test_a_perfect_hedge_shares_the_capital(method):
    record = market(1, 1)
    found = weigh(method, 2, returns=np.vstack([record, -record]))
    np.testing.assert_allclose(found.weights, [0.5, 0.5], rtol=1e-9)
    assert found.method_used == method


def test_correlations_shrink_as_in_schaefer_and_strimmer():
    returns = market(4, 5, 30)
    unit = (returns - returns.mean(axis=1, keepdims=True)) / returns.std(axis=1, ddof=1, keepdims=True)
    products = unit[:, None, :] * unit[None, :, :]
    error = 30 / 29**3 * ((products - products.mean(axis=2, keepdims=True)) ** 2).sum(axis=2)
    plain, others = np.corrcoef(returns), ~np.eye(5, dtype=bool)
    intensity = min(1.0, error[others].sum() / (plain[others] ** 2).sum())
    np.testing.assert_allclose(
        shrunk_correlation(returns)[others], (1 - intensity) * plain[others], rtol=1e-9
    )


def test_correlations_of_few_points_are_still_positive_definite():
    assert np.linalg.eigvalsh(shrunk_correlation(market(5, 60, 25))).min() > 0.01


def test_correlations_of_a_long_record_hardly_shrink():
    returns = market(6, 5, 20_000)
    np.testing.assert_allclose(shrunk_correlation(returns), np.corrcoef(returns), atol=3e-3)


# --- fallbacks


@pytest.mark.parametrize(
    ("method", "given", "reason"),
    [
        ("score", {}, "a score is missing"),
        ("score", {"scores": np.array([1.0, NAN])}, "a score is missing"),
        ("score", {"scores": np.array([1.0, np.inf])}, "a score is missing"),
        ("score", {"scores": np.array([0.0, -1.0])}, "no score is positive"),
        *((method, {}, "no returns") for method in OF_RISK),
        *((method, {"returns": market(1, 2, 19)}, "19 common points, needs 20") for method in OF_RISK),
        *((method, {"returns": np.full((2, 60), NAN)}, "0 common points, needs 20") for method in OF_RISK),
        *(
            (method, {"returns": np.vstack([market(1, 1, 60), np.full(60, 0.01)])},
             "a record is constant over the common points")
            for method in OF_RISK
        ),
    ],
)  # fmt: skip
def test_what_does_not_carry_the_method_gives_equal_weights_and_says_so(method, given, reason):
    found = weigh(method, 2, **given)
    assert found.weights.tolist() == [0.5, 0.5]
    assert (found.method_used, found.reason) == ("equal", reason)


@pytest.mark.parametrize("method", METHODS[1:])
def test_one_strategy_gets_all(method):
    found = weigh(method, 1, **anything_for(1))
    assert (found.weights.tolist(), found.method_used) == ([1.0], "equal")
    assert found.reason == "needs at least 2 strategies"


@pytest.mark.parametrize("method", METHODS)
def test_nobody_gets_nothing(method):
    assert weigh(method, 0, scores=np.empty(0), returns=np.empty((0, 30))).weights.shape == (0,)


@pytest.mark.parametrize("method", OF_RISK)
def test_only_common_points_are_looked_at(method):
    returns = market(2, 4)
    with_gap = returns.copy()
    with_gap[1, :30] = NAN
    expected = weigh(method, 4, returns=returns[:, 30:])
    np.testing.assert_array_equal(weigh(method, 4, returns=with_gap).weights, expected.weights)
    assert expected.method_used == method


@pytest.mark.parametrize("given", [{"families": ["a"]}, {"canary": np.ones(3)}, {"scores": np.ones(1)}])
def test_arguments_of_other_lengths_are_refused(given):
    with pytest.raises(ValueError, match="strategies, not 2"):
        weigh("equal", 2, **given)


# --- bounds and canaries


@pytest.mark.parametrize(
    ("shares", "families", "bounds", "expected"),
    [
        ([1, 1], "ab", {}, [0.5, 0.5]),
        ([1, 1], "ab", {"max_gross": 3.0}, [1.5, 1.5]),
        ([1, 1], "ab", {"max_gross": None}, [0.5, 0.5]),
        ([6, 3, 1], "abc", {"max_weight": 0.5}, [0.5, 0.375, 0.125]),
        ([6, 3, 1], "abc", {"max_weight": 0.4}, [0.4, 0.4, 0.2]),
        ([6, 3, 1], "abc", {"max_weight": 0.2}, [0.2, 0.2, 0.2]),
        ([6, 3, 1], "aab", {"max_per_family": 0.6}, [0.4, 0.2, 0.4]),
        ([6, 3, 1], "aab", {"max_per_family": 0.6, "max_weight": 0.35}, [0.35, 0.25, 0.35]),
        ([6, 3, 1], "aab", {"max_per_family": 0.3}, [0.2, 0.1, 0.3]),
        ([1, 0], "ab", {"max_weight": 0.4}, [0.4, 0.0]),
        ([1, 1e-200], "ab", {"max_weight": 0.4}, [0.4, 0.0]),
    ],
    ids=[
        "free", "gross 3", "no gross", "one bound", "two bound", "all bound", "family", "family and weight",
        "both families", "nothing for nothing", "negligible",
    ],
)  # fmt: skip
def test_what_a_bound_takes_goes_to_the_others_in_proportion(shares, families, bounds, expected):
    every = {"max_gross": 1.0, "max_weight": None, "max_per_family": None} | bounds
    np.testing.assert_allclose(
        within_bounds(np.array(shares, dtype=np.float64), list(families), **every), expected, rtol=1e-12
    )


def test_a_canary_leaves_the_rest_of_its_weight_unused():
    found = weigh("equal", 4, canary=np.array([0.1, 1, 1, 0]), max_weight=0.4)
    np.testing.assert_allclose(found.weights, [0.025, 0.25, 0.25, 0.0])


bound = st.none() | st.floats(0.01, 3.0)
cases = st.fixed_dictionaries(
    {
        "method": st.sampled_from(METHODS),
        "seed": st.integers(0, 1000),
        "families": st.lists(st.sampled_from("abcd"), min_size=1, max_size=12),
        "max_gross": bound,
        "max_weight": bound,
        "max_per_family": bound,
    }
)


def weigh_case(case, order=None):
    families = case["families"]
    order = np.arange(len(families)) if order is None else np.array(order)
    told = anything_for(len(families), case["seed"])
    return weights(
        case["method"],
        n=len(families),
        scores=told["scores"][order],
        returns=told["returns"][order],
        families=[families[i] for i in order],
        canary=np.ones(len(families)),
        **{name: case[name] for name in ("max_gross", "max_weight", "max_per_family")},
    )


@given(cases)
def test_weights_are_within_all_bounds(case):
    found = weigh_case(case).weights
    ceiling = {
        name: np.inf if case[name] is None else case[name] * (1 + 1e-12) for name in case if "max" in name
    }
    gross = 1.0 if case["max_gross"] is None else case["max_gross"]
    assert np.all((found >= 0) & (found <= ceiling["max_weight"]))
    assert found.sum() <= gross * (1 + 1e-12)
    for family in set(case["families"]):
        of_family = [name == family for name in case["families"]]
        assert found[of_family].sum() <= ceiling["max_per_family"]


@given(cases)
def test_less_than_all_is_given_only_where_everyone_meets_a_bound(case):
    found = weigh_case(case).weights
    gross = 1.0 if case["max_gross"] is None else case["max_gross"]
    if found.sum() < gross * (1 - 1e-12):
        for place, family in enumerate(case["families"]):
            of_family = sum(w for w, name in zip(found, case["families"], strict=True) if name == family)
            is_full = case["max_weight"] is not None and found[place] >= case["max_weight"] * (1 - 1e-12)
            family_is_full = case["max_per_family"] is not None and of_family >= case["max_per_family"] * (
                1 - 1e-12
            )
            assert is_full or family_is_full or found[place] == 0


@given(cases, st.randoms(use_true_random=False))
def test_the_order_of_strategies_changes_no_weight(case, random):
    order = list(range(len(case["families"])))
    random.shuffle(order)
    np.testing.assert_array_equal(weigh_case(case, order).weights, weigh_case(case).weights[order])


@pytest.mark.parametrize("method", OF_RISK)
def test_equal_records_get_equal_weights(method):
    returns = market(7, 5)[[0, 1, 2, 1, 3, 1, 4]]
    found = weigh(method, 7, returns=returns).weights
    assert found[1] == found[3] == found[5]
