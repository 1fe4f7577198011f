"""Exact sums of ratios, whatever their denominators are."""

from __future__ import annotations

import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancing.domain.decimals import objects
from rebalancing.domain.ratios import Ratios, grouped
from rebalancing.domain.terms import Doubtful
from tests.rebalancing.builders import Row, planned, terms

bottoms = st.one_of(st.integers(1, 1000), st.integers(10**29, 10**30))


def long_fractions(count: int) -> dict[str, str]:
    """Each is prime to nearly all others."""
    return {
        f"s{place}": f"0.00000000000{(3**40 + 2 * place * 7**20) % 10**19:019d}" for place in range(count)
    }


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-(10**25), 10**25), bottoms), min_size=1))
def test_a_sum_is_that_of_fractions(rows: list[tuple[int, int, int]]) -> None:
    keys, tops, divisors = zip(*rows, strict=True)
    groups = grouped(np.array(keys, dtype=np.int64))
    column = Ratios(objects(tops), objects(divisors))
    for found in (column.summed(groups), column.summed_in_pairs(groups)):
        for place, key in enumerate(groups.keys.tolist()):
            wanted = sum((Fraction(t, b) for k, t, b in rows if k == key), Fraction(0))
            assert found.fraction(place) == wanted


@pytest.mark.parametrize(("count", "refused"), [(2000, False), (60_000, True)])
def test_long_fractions_of_many_strategies_are_planned_or_refused_in_time(count: int, refused: bool) -> None:
    before = long_fractions(count)
    rows: list[Row] = [("alpha", name, "", "BTC", 1, 1) for name in before]
    ask = terms({"alpha": 1}, {"alpha": 1})
    fractions = {name: Fraction(text) for name, text in before.items()}
    after = {name: value * Fraction(9, 10) for name, value in fractions.items()}
    ask = ask.__class__(
        **{**vars(ask), "strategies_before": {"alpha": fractions}, "strategies_after": {"alpha": after}}
    )
    # Their quotients are all 9/10: with a rest of one digit each, no two have a denominator in common.
    after.update({name: value + Fraction(1, 10**30) for name, value in after.items()})
    start = time.process_time()  # what else the machine does is not its fault
    if refused:
        with pytest.raises(Doubtful) as caught:
            planned(ask, rows)
        assert caught.value.doubts[0].pointer == "/strategy_alloc_after_total"
    else:
        planned(ask, rows)
    assert time.process_time() - start < 5
