"""Positions read at once are those read one by one, or are left to be read one by one."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from rebalancing.domain.book import Positions
from rebalancing.domain.decimals import exact
from rebalancing.schemas.columns import columns, columns_of
from rebalancing.schemas.plans import Position

GOOD = {"world_id": "w", "strategy_id": "s", "symbol": "BTC", "qty": 1.5, "mark": 10}
READER = TypeAdapter(list[Position])

names = st.sampled_from(["a", "b", "é", "a b", "x" * 64, "x" * 65, "", "a\n", "\u2028", 1, True, None])
numbers = st.one_of(
    st.sampled_from([0, -0.0, 1e15, -1e15, 999999999999999, 2**53 + 1, 2**64, 1e-15, 1e-16, "1", True, None]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(10**18), 10**18),
)
likely = st.sampled_from(["a", "b", "c"])
rows = st.fixed_dictionaries(
    {
        "world_id": likely | names,
        "strategy_id": likely | names,
        "symbol": likely | names,
        "qty": st.integers(-3, 3) | numbers,
        "mark": st.integers(1, 3) | numbers,
    },
    optional={"venue": likely | st.none() | names, "odd": likely},
)
good_rows = st.fixed_dictionaries(
    {
        "world_id": likely,
        "strategy_id": likely,
        "symbol": likely,
        "qty": st.integers(-(10**12), 10**12) | st.floats(-1e9, 1e9).map(lambda x: round(x, 6)),
        "mark": st.integers(1, 10**9) | st.floats(0.001, 1e9).map(lambda x: round(x, 3)),
    },
    optional={"venue": likely | st.none()},
)


def said(positions: Positions) -> dict[str, Any]:
    told: dict[str, Any] = {
        name: list(getattr(positions, name)) for name in ("worlds", "strategies", "symbols", "venues")
    }
    for name in ("quantities", "marks"):
        told[name] = [exact(value) for value in getattr(positions, name)]
    return told


def one_by_one(sent: Any) -> dict[str, Any] | None:
    try:
        return said(columns_of(READER.validate_python(sent)))
    except ValidationError:
        return None


@given(st.lists(rows, min_size=1, max_size=4))
def test_whatever_is_taken_at_once_is_taken_one_by_one_and_means_the_same(sent: list[Any]) -> None:
    found = columns(orjson.loads(orjson.dumps(sent)) if fits(sent) else sent)
    if found is not None:
        assert said(found) == one_by_one(sent)


@given(st.lists(good_rows, min_size=1, max_size=6))
def test_good_positions_are_taken_at_once(sent: list[Any]) -> None:
    found = columns(sent)
    assert found is not None
    assert len(found) == len(sent)
    assert said(found) == one_by_one(sent)


@pytest.mark.parametrize(
    "change",
    [
        {"venue": ""},
        {"venue": 1},
        {"venue": ["a"]},
        {"symbol": {}},
        {"world_id": None},
        {"strategy_id": "x" * 129},
        {"symbol": "tab\t"},
        {"qty": None},
        {"qty": True},
        {"qty": "1"},
        {"qty": 10**400},
        {"mark": 0},
        {"mark": -1},
        {"extra": 1},
    ],
)
def test_what_is_odd_is_left_to_be_looked_at(change: dict[str, Any]) -> None:
    assert columns([GOOD, GOOD | change]) is None
    assert columns([GOOD | {"venue": "v"}, GOOD | change]) is None


@pytest.mark.parametrize("missing", sorted(GOOD))
def test_a_missing_field_is_left_to_be_looked_at(missing: str) -> None:
    short = {name: value for name, value in GOOD.items() if name != missing}
    assert columns([GOOD, short]) is None
    assert columns([GOOD, short | {"odd": 1}]) is None
    assert columns([GOOD | {"venue": "v"}, short | {"odd": 1, "venue": "v"}]) is None


def fits(sent: list[Any]) -> bool:
    """Whether orjson writes it: whole numbers up to 64 bits."""
    return all(
        not isinstance(value, int) or -(2**63) <= value < 2**64 for row in sent for value in row.values()
    )
