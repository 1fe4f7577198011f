"""Maps of names to numbers read at once are those read one by one, or are left to be read one by one."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from rebalancing.schemas.maps import as_fractions, as_lots
from rebalancing.schemas.numbers import Exact, Lot
from rebalancing.schemas.plans import Label, Name

FRACTIONS, LOTS = TypeAdapter(dict[Name, Exact]), TypeAdapter(dict[Label, Lot])
names = st.sampled_from(["a", "b", "é", "x" * 64, "x" * 65, "x" * 128, "x" * 129, "", "a\n", "\u2028"])
numbers = st.one_of(
    st.sampled_from([0, 0.1, "0.1", "1e-3", 1, True, None, -1, "", "x", "1e400", 1e300, [], {}, 10**20]),
    st.floats(0, 1),
    st.integers(0, 5),
)


def outcome(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except ValidationError as error:
        return [(each["loc"], each["msg"]) for each in error.errors()]


@given(st.dictionaries(names, numbers, max_size=3) | numbers)
def test_fractions_and_lots_at_once_are_those_one_by_one(sent: Any) -> None:
    for at_once, reader in ((as_fractions, FRACTIONS), (as_lots, LOTS)):
        one_by_one = reader.validate_python
        assert outcome(lambda: at_once(sent, one_by_one)) == outcome(lambda: one_by_one(sent))  # noqa: B023


def test_good_ones_are_not_looked_at_one_by_one() -> None:
    def never(value: Any) -> Any:
        raise AssertionError(value)

    assert as_fractions({"a": 0.1, "b": "0.2", "c": 1}, never) == {
        "a": Fraction(1, 10),
        "b": Fraction(1, 5),
        "c": Fraction(1),
    }
    assert as_lots({"a": 0.01}, never) == {"a": Fraction(1, 100)}
