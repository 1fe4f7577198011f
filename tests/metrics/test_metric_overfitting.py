"""Probability of backtest overfitting against a plain implementation and against what must hold."""

from __future__ import annotations

import math
import statistics
from itertools import combinations

import numpy as np
import pytest

from qmtl.metrics import BadSeries, common_panel, pbo


def plain_sharpe(points):
    return statistics.fmean(points) / statistics.stdev(points)


def plain_pbo(rows, blocks):
    size, overfit, splits = len(rows[0]) // blocks, 0, 0
    for chosen in combinations(range(blocks), blocks // 2):
        inside, outside = (
            [plain_sharpe([x for b in half for x in row[b * size : (b + 1) * size]]) for row in rows]
            for half in (chosen, [b for b in range(blocks) if b not in chosen])
        )
        best = inside.index(max(inside))
        rank = 1 + sum(other < outside[best] for other in outside)
        w = rank / (len(rows) + 1)
        overfit += math.log(w / (1 - w)) <= 0
        splits += 1
    return overfit / splits


def noise(members, periods, seed=3):
    return np.random.default_rng(seed).normal(0.0, 0.01, (members, periods))


@pytest.mark.parametrize(("members", "blocks"), [(2, 4), (5, 6), (8, 8), (9, 8)])
def test_it_equals_the_plain_implementation(members, blocks):
    matrix = noise(members, 12 * blocks) + np.linspace(0, 0.004, members)[:, None]
    assert pbo(matrix, blocks=blocks) == plain_pbo(matrix.tolist(), blocks)


def test_the_best_of_pure_noise_is_as_good_as_any():
    found = [pbo(noise(40, 640, seed)) for seed in range(12)]
    assert statistics.fmean(found) == pytest.approx(0.5, abs=0.12)


def test_one_clearly_best_strategy_is_not_overfit():
    matrix = noise(20, 640)
    matrix[7] += 0.01
    assert pbo(matrix) == 0.0


def test_the_order_of_members_does_not_matter():
    matrix = np.round(noise(9, 160), 3)
    assert pbo(matrix) == pbo(matrix[::-1])


def test_the_oldest_points_are_dropped():
    matrix = noise(6, 175)
    assert pbo(matrix) == pbo(matrix[:, 15:])


def test_equals_share_the_middle_rank_which_counts_as_overfit():
    row = noise(1, 160)[0]
    assert pbo(np.stack([row, row, 3 * row])) == 1.0


def test_members_that_never_trade_rank_last():
    matrix = noise(3, 160)
    matrix[0] += 0.05
    matrix[1:] = 0.0
    assert pbo(matrix) == 0.0


@pytest.mark.parametrize("shape", [(2, 159), (1, 500), (0, 500)])
def test_it_is_missing_below_160_points_or_two_members(shape):
    assert pbo(np.zeros(shape)) is None


def test_a_matrix_with_holes_is_refused():
    with pytest.raises(BadSeries):
        pbo(np.full((2, 160), np.nan))


def test_common_panel_keeps_what_all_have():
    left = (np.array([3, 1, 2]), np.array([0.3, 0.1, 0.2]))
    right = (np.array([2, 3, 4]), np.array([2.0, 3.0, 4.0]))
    timestamps, panel = common_panel([left, right])
    assert timestamps.tolist() == [2, 3]
    assert panel.tolist() == [[0.2, 0.3], [2.0, 3.0]]


def test_common_panel_of_strangers_is_empty():
    _, panel = common_panel([(np.array([1]), np.array([0.1])), (np.array([2]), np.array([0.2]))])
    assert panel.shape == (2, 0)


def test_common_panel_of_nobody_is_empty():
    assert common_panel([])[1].shape == (0, 0)


def test_a_timestamp_that_occurs_twice_is_refused():
    with pytest.raises(BadSeries, match="twice") as refused:
        common_panel([(np.array([1, 2, 1]), np.zeros(3))])
    assert refused.value.index == 2
