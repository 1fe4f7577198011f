"""What a verdict advises is so: whoever follows it passes."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmtl.sdk.words import what_would_change

DRAWDOWN = "returns.max_drawdown"


def deepest(returns: np.ndarray) -> float:
    wealth = np.cumprod(np.concatenate([[1.0], 1.0 + returns]))
    return float((wealth / np.maximum.accumulate(wealth)).min() - 1.0)


def advised(value: float, bound: float) -> float | None:
    """The part of the capital that is advised; None where nothing is."""
    words = what_would_change(DRAWDOWN, value, bound, {})
    return float(re.match(r"With (\d+)% of the capital", words)[1]) / 100 if words else None  # type: ignore[index]


@given(
    st.lists(st.floats(-0.999, 3.0), min_size=1, max_size=60),
    st.floats(0.01, 0.9),
)
def test_who_follows_the_advice_keeps_within_the_bound(returns: list[float], bound: float) -> None:
    record = np.array(returns)
    part = advised(deepest(record), -bound)
    if part is not None:
        assert deepest(part * record) >= -bound - 1e-9


@pytest.mark.parametrize(
    ("value", "bound", "part"),
    [
        (-0.8508, -0.35, 0.22),  # of the guide
        (-0.9999, -0.35, 0.04),  # ten times its capital: a third of that still loses nearly all
        (-1.0, -0.35, None),  # no part of what loses everything is known to be enough
        (-1.0 + 1e-15, -0.0001, None),
        (-0.2, -0.35, None),
        (0.0, -0.35, None),
    ],
)
def test_the_advice_about_a_drawdown(value: float, bound: float, part: float | None) -> None:
    assert advised(value, bound) == part
