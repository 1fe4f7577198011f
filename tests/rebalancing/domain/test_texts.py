"""Decimals as the plan's document writes them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancing.domain.document import decimal_text, plain


@given(st.integers(-(10**40), 10**40), st.integers(0, 30))
def test_text_of_a_decimal(mantissa: int, places: int) -> None:
    told = decimal_text(mantissa, places)
    assert Fraction(told) == Fraction(mantissa, 10**places)
    assert told == plain(Decimal(f"{mantissa}E-{places}"))


@pytest.mark.parametrize(
    ("mantissa", "places", "told"),
    [
        (0, 0, "0"),
        (0, 3, "0"),
        (-5, 1, "-0.5"),
        (100, 2, "1"),
        (-100, 0, "-100"),
        (1, 18, "0.000000000000000001"),
    ],
)
def test_texts(mantissa: int, places: int, told: str) -> None:
    assert decimal_text(mantissa, places) == told
