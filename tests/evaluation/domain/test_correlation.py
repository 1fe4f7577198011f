"""Correlations of records over their common points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from evaluation.domain.correlation import Correlations, Panel, panel_of, same_points, standardised

DAY = 86_400_000
NAN = np.nan

returns = st.integers(-2000, 2000).map(lambda points: points / 10_000)
panels = st.tuples(st.integers(2, 6), st.integers(0, 40)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=returns | st.just(NAN))
)


def days(*numbers):
    return np.array(numbers, dtype=np.int64) * DAY


def record(*numbers):
    return days(*numbers), np.array(numbers, dtype=np.float64)


def panel(values):
    values = np.asarray(values, dtype=np.float64)
    return Panel(np.arange(values.shape[1]) * DAY, values)


def correlation(left, right, min_overlap=2):
    r, overlap = Correlations(panel([left, right]), min_overlap).against(0, np.array([1]))
    return r[0], overlap[0]


def noise(seed, shape):
    return np.random.default_rng(seed).normal(0.0005, 0.01, shape)


def with_gaps(seed, shape, share=0.2):
    values = noise(seed, shape)
    values[np.random.default_rng(seed + 1).random(shape) < share] = NAN
    return values


def same_bits(left, right):
    return left.tobytes() == right.tobytes()


# --- the panel


def test_a_panel_has_the_union_of_times_and_nan_where_one_has_no_point():
    seen = panel_of([record(1, 2, 4), record(2, 3)], window_ms=None, until_ms=10 * DAY)
    assert seen.times.tolist() == days(1, 2, 3, 4).tolist()
    np.testing.assert_array_equal(seen.values, [[1, 2, NAN, 4], [NAN, 2, 3, NAN]])


def test_records_that_share_a_calendar_are_laid_side_by_side():
    times = days(1, 2, 3)
    seen = panel_of([(times, np.ones(3)), (times.copy(), np.zeros(3))], window_ms=None, until_ms=10 * DAY)
    np.testing.assert_array_equal(seen.values, [[1, 1, 1], [0, 0, 0]])


@pytest.mark.parametrize(
    ("window", "until", "expected"),
    [
        (2, 100, [4, 5]),
        (2, 5, [4, 5]),
        (2, 4, [3, 4]),
        (100, 100, [1, 2, 3, 4, 5]),
        (None, 3, [1, 2, 3]),
        (2, 0, []),
    ],
    ids=["ends at the newest time", "until that time", "until before it", "wide", "none", "before all"],
)
def test_the_window_ends_at_the_newest_time_of_any_record(window, until, expected):
    records = [record(1, 2, 3, 4, 5), record(1, 2, 3)]
    window_ms = None if window is None else window * DAY
    seen = panel_of(records, window_ms=window_ms, until_ms=until * DAY)
    assert seen.times.tolist() == days(*expected).tolist()


def test_records_that_are_old_together_are_compared():
    seen = panel_of([record(1, 2, 3), record(1, 2, 3)], window_ms=2 * DAY, until_ms=9000 * DAY)
    assert not np.isnan(seen.values).any()


def test_a_record_from_after_the_end_has_no_points():
    seen = panel_of([record(1, 2), record(8, 9)], window_ms=5 * DAY, until_ms=3 * DAY)
    np.testing.assert_array_equal(seen.values, [[1, 2], [NAN, NAN]])


def test_without_records_the_panel_has_a_row_each_and_no_times():
    assert panel_of([None, None], window_ms=None, until_ms=0).values.shape == (2, 0)
    assert panel_of([], window_ms=DAY, until_ms=0).values.shape == (0, 0)


def test_a_record_with_more_times_than_values_is_refused():
    with pytest.raises(ValueError, match="record 1 has 2 times for 3 values"):
        panel_of([None, (days(1, 2), np.zeros(3))], window_ms=None, until_ms=DAY)


def test_rows_with_the_same_points_are_one_group():
    present = np.array([[1, 1, 0], [1, 1, 1], [1, 1, 0]], dtype=bool)
    assert [rows.tolist() for rows in same_points(present)] == [[0, 2], [1]]


# --- figures


def test_complete_records_have_the_correlations_of_numpy():
    values = noise(1, (7, 250))
    np.testing.assert_allclose(
        Correlations(panel(values), 20).matrix(np.arange(7)), np.corrcoef(values), atol=1e-14
    )


def test_records_with_gaps_have_the_correlation_of_their_intersection():
    values = with_gaps(3, (6, 120))
    r, overlap = Correlations(panel(values), 20).against(2, np.arange(6))
    for other in range(6):
        common = ~np.isnan(values[2]) & ~np.isnan(values[other])
        expected = stats.pearsonr(values[2, common], values[other, common]).statistic
        assert r[other] == pytest.approx(expected, abs=1e-13)
        assert overlap[other] == common.sum()


@pytest.mark.parametrize("further", [[], [0.0]], ids=["same points", "other points"])
def test_a_large_common_level_costs_no_digits(further):
    left, right = noise(5, 60), noise(6, 60)
    found, _ = correlation([*(left + 1e6), *further], [*(right - 1e6), *(NAN for _ in further)])
    assert found == pytest.approx(np.corrcoef(left, right)[0, 1], abs=1e-6)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ([1, 2, 3], [2, 4, 6], (1.0, 3)),
        ([1, 2, 3], [3, 2, 1], (-1.0, 3)),
        ([1, 2, 3, 9], [2, 4, 6, NAN], (1.0, 3)),
        ([1, 2, NAN], [NAN, 2, 3], (NAN, 1)),
        ([1, NAN], [NAN, 2], (NAN, 0)),
        ([NAN, NAN], [NAN, NAN], (NAN, 0)),
        ([5, 5, 5], [1, 2, 3], (NAN, 3)),
        ([5, 5, 5], [5, 5, 5], (NAN, 3)),
        ([5, 5, 8], [1, 2, NAN], (NAN, 2)),
        ([0.1, 0.1 + 1e-17, 0.1 + 3e-17], [1, 2, 3], (NAN, 3)),
        ([1e-17, 2e-17, 3e-17, 9], [1, 2, 3, NAN], (NAN, 3)),
        ([1e200, -1e200, 1e200], [1, 2, 3], (NAN, 3)),
        ([], [], (NAN, 0)),
    ],
    ids=[
        "alike", "opposite", "alike in common", "one point", "no common point", "no points", "constant",
        "both constant", "constant in common", "rounding", "rounding in common", "overflow", "empty",
    ],
)  # fmt: skip
def test_a_correlation_is_a_number_or_unknown(left, right, expected):
    np.testing.assert_allclose(correlation(left, right), expected, atol=1e-15)


@pytest.mark.parametrize(("min_overlap", "is_known"), [(0, True), (3, True), (4, False)])
def test_below_the_least_overlap_the_correlation_is_unknown(min_overlap, is_known):
    for left, right in (([1, 2, 4], [2, 1, 3]), ([1, 2, 4, NAN], [2, 1, 3, 0])):
        assert np.isnan(correlation(left, right, min_overlap)[0]) != is_known


def test_nobody_to_compare_with_gives_no_figures():
    r, overlap = Correlations(panel(noise(1, (2, 30))), 20).against(0, np.array([], dtype=np.int64))
    assert r.shape == overlap.shape == (0,)


def test_standardised_rows_have_unit_length_and_no_mean():
    rows = standardised(noise(2, (3, 50)))
    np.testing.assert_allclose((rows**2).sum(axis=1), 1.0, rtol=1e-14)
    np.testing.assert_allclose(rows.sum(axis=1), 0.0, atol=1e-13)


# --- what must hold for all


@given(panels)
def test_correlations_are_within_bounds_and_symmetric(values):
    matrix = Correlations(panel(values), 2).matrix(np.arange(len(values)))
    assert np.all(np.isnan(matrix) | (np.abs(matrix) <= 1.0))
    assert same_bits(matrix, matrix.T.copy())


@given(panels)
def test_a_record_is_fully_correlated_with_itself_or_constant(values):
    own = np.diag(Correlations(panel(values), 2).matrix(np.arange(len(values))))
    assert np.all(np.isnan(own) | (np.abs(own - 1.0) <= 1e-14))


@given(panels, st.floats(0.01, 100), st.floats(-1, 1))
def test_size_and_level_of_a_position_do_not_change_a_correlation(values, size, level):
    scale = np.ones(len(values))
    scale[0] = size
    everyone = np.arange(len(values))
    before, _ = Correlations(panel(values), 2).against(0, everyone)
    after, _ = Correlations(panel(values * scale[:, None] + level), 2).against(0, everyone)
    np.testing.assert_allclose(before, after, atol=1e-9)


@given(panels, st.randoms(use_true_random=False))
def test_neither_neighbours_nor_order_change_a_bit_of_a_pair(values, random):
    everyone = list(range(len(values)))
    random.shuffle(everyone)
    asked = np.array(everyone)
    together, _ = Correlations(panel(values), 2).against(0, asked)
    for other, r in zip(everyone, together, strict=True):
        alone, _ = Correlations(panel(values), 2).against(0, np.array([other]))
        assert same_bits(alone, np.array([r]))


@given(panels)
def test_other_records_in_the_panel_change_no_bit_of_a_pair(values):
    pair = values[:2]
    pair = pair[:, ~np.isnan(pair).all(axis=0)]
    alone = Correlations(panel(pair), 2).against(0, np.array([1]))
    among = Correlations(panel(values), 2).against(0, np.array([1]))
    assert same_bits(alone[0], among[0])
    assert same_bits(alone[1], among[1])


@pytest.mark.parametrize("points", [3, 128, 252, 2520, 8191, 20_000])
@pytest.mark.parametrize("make", [noise, with_gaps])
def test_the_number_of_others_changes_no_bit_whatever_the_length(make, points):
    correlations = Correlations(panel(make(7, (12, points))), 2)
    everyone = np.arange(12)
    together, _ = correlations.against(4, everyone)
    assert same_bits(correlations.matrix(everyone)[4], together)
    for count in (1, 2, 5):
        assert same_bits(correlations.against(4, everyone[-count:])[0], together[-count:])
