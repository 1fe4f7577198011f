"""What may enter the kernel, and which point is at fault."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmtl.metrics import BadSeries, check_returns, returns_from_equity, simulate_equity


@pytest.mark.parametrize(
    ("values", "index", "reason"),
    [
        ([], None, "returns is empty"),
        ([0.1], None, "returns has fewer than 2 points"),
        ([0.1, float("nan"), float("nan")], 1, "not a finite number"),
        ([0.1, 0.2, float("inf")], 2, "not a finite number"),
        ([float("-inf"), 0.2], 0, "not a finite number"),
        ([0.1, -1.0000001], 1, "below -1"),
        ([0.1, None], 1, "not a number"),
        (["0.1", "0.2"], None, "not a series of numbers"),
        ([True, False], None, "not a series of numbers"),
        ([[0.1, 0.2], [0.1, 0.2]], None, "one dimension"),
        ([[0.1], [0.1, 0.2]], None, "not a series of numbers"),
        (0.5, None, "one dimension"),
        ([10**400, 0.1], None, "not a series of numbers"),
    ],
)
def test_a_bad_series_names_its_first_bad_point(values, index, reason):
    with pytest.raises(BadSeries, match=reason) as refused:
        check_returns(values)
    assert refused.value.index == index


def test_a_total_loss_may_enter():
    assert check_returns([0, -1]).tolist() == [0.0, -1.0]


def test_the_series_is_named_in_the_reason():
    with pytest.raises(BadSeries, match="benchmark is empty"):
        check_returns([], name="benchmark")


def test_a_refusal_survives_pickling():
    again = pickle.loads(pickle.dumps(BadSeries(3, "below")))
    assert (again.index, again.reason) == (3, "below")


def test_the_first_equity_is_the_start_where_no_capital_is_given():
    assert returns_from_equity([100, 110, 99]) == pytest.approx([0.1, -0.1])


def test_a_starting_capital_adds_the_first_return():
    assert returns_from_equity([110, 99], starting_capital=100) == pytest.approx([0.1, -0.1])


def test_equity_at_zero_returns_a_total_loss_and_then_nothing():
    assert returns_from_equity([100, 0, 0, 0]).tolist() == [-1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("equity", "capital", "index", "reason"),
    [
        ([], None, None, "fewer than 2 returns"),
        ([100, 101], None, None, "fewer than 2 returns"),
        ([0, 1, 2], None, 0, "start above 0"),
        ([100, -1, 2], None, 1, "negative"),
        ([100, 0, 2], None, 2, "rises again"),
        ([0, 2], 100, 1, "rises again"),
        ([100, float("nan"), 2], None, 1, "not a finite number"),
        ([float("nan"), 2], 100, 0, "not a finite number"),
        ([1, 2], 0.0, None, "not a positive number"),
        ([1, 2], float("nan"), None, "not a positive number"),
        ([1, 1e-300, 1e300], None, 2, "beyond what a number holds"),
    ],
)
def test_a_bad_equity_names_its_first_bad_point(equity, capital, index, reason):
    with pytest.raises(BadSeries, match=reason) as refused:
        returns_from_equity(equity, starting_capital=capital)
    assert refused.value.index == index


@given(st.lists(st.floats(-0.5, 1.0), min_size=2, max_size=50))
def test_returns_and_equity_are_two_ways_to_say_the_same(values):
    returns = np.array(values)
    assert np.allclose(returns_from_equity(simulate_equity(returns, 1000.0), 1000.0), returns, atol=1e-12)
