"""Columns of whole numbers: what NumPy does in 64 bits is what Python's integers would."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rebalancing.domain.decimals import product, quotients, times
from rebalancing.domain.ratios import Ratios, grouped

LARGEST = 2**62
whole = st.integers(-LARGEST, LARGEST) | st.integers(-1000, 1000)
bottoms = st.integers(1, LARGEST) | st.integers(0, 62).map(lambda power: 2**power) | st.integers(1, 1000)
pairs = st.lists(st.tuples(whole, bottoms), min_size=1, max_size=20)


def columns(rows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    tops, downs = zip(*rows, strict=True)
    return np.array(tops, dtype=np.int64), np.array(downs, dtype=np.int64)


@given(pairs)
@example([(2**54 + 1, 2), (2**54 + 3, 2), (-(2**54) - 1, 2), (2**60 - 1, 2**10)])
@example([(3 * 2**52 + 1, 3 * 2**0), (2**61 + 2**8 + 1, 2**8)])
def test_quotients_are_the_nearest_floats(rows: list[tuple[int, int]]) -> None:
    assert quotients(*columns(rows)).tolist() == [top / bottom for top, bottom in rows]


@given(pairs, st.integers(1, 10**40))
def test_products_do_not_overflow(rows: list[tuple[int, int]], factor: int) -> None:
    tops, downs = columns(rows)
    assert product(tops, downs).tolist() == [top * bottom for top, bottom in rows]
    assert times(tops, factor).tolist() == [top * factor for top, _ in rows]


@given(pairs)
def test_sums_of_ratios_are_exact(rows: list[tuple[int, int]]) -> None:
    keys = np.arange(len(rows)) % 3
    total = Ratios(*columns(rows)).summed(grouped(keys))
    for group in range(len(total)):
        parts = [Fraction(*row) for place, row in enumerate(rows) if place % 3 == group]
        assert total.fraction(group) == sum(parts)


@pytest.mark.parametrize(
    ("bottoms", "places"), [([1], 0), ([], 0), ([100, 8], 3), ([10**30], 30), ([10, 3], None)]
)
def test_decimals_that_carry_a_column(bottoms: list[int], places: int | None) -> None:
    column = np.array(bottoms, dtype=object)
    assert Ratios(column, column).places() == places
