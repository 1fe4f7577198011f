"""What is refused says what is wrong, what would be right, and where."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.api import ApiClient, body
from tests.problem import pointer, refusal
from tests.rebalancing.conftest import asked, position

PLAN, APPLY, ALLOCATIONS = "/rebalancing/plan", "/rebalancing/apply", "/allocations"
OVERLAY = {"mode": "overlay", "overlay": {"instrument_by_world": {"alpha": "F", "beta": "F"}}}


def faults(answer: Any) -> list[tuple[str, str]]:
    return [(each["pointer"], each["detail"]) for each in body(answer)["errors"]]


@pytest.mark.parametrize("value", ["1" * 41, "1e999", "1e-999", "0." + "1" * 41, 1e19, 1e-40, "1e18"])
@pytest.mark.parametrize(
    ("fields", "place"),
    [
        (lambda n: {"total_equity": n}, "/total_equity"),
        (lambda n: {"positions": [position("alpha", "mom", "B", n, 1)]}, "/positions/0/qty"),
        (lambda n: {"positions": [position("alpha", "mom", "B", 1, n)]}, "/positions/0/mark"),
        (lambda n: {"lot_size_by_symbol": {"B": n}}, "/lot_size_by_symbol/B"),
    ],
    ids=["equity", "qty", "mark", "lot"],
)
def test_a_number_beyond_its_bounds_is_told_them(
    root: ApiClient, fields: Any, place: str, value: Any
) -> None:
    ((where, what),) = faults(root.post(PLAN, asked(**fields(value))))
    assert where == place
    assert what.startswith("must be below 1e18 and have at most 30 decimals")


@pytest.mark.parametrize("value", ["1e400", "1e-999", "1" * 41])
def test_a_threshold_of_any_size_is_told_how_long_its_text_may_be(root: ApiClient, value: str) -> None:
    ((where, what),) = faults(root.post(PLAN, asked(min_trade_notional=value)))
    assert where == "/min_trade_notional"
    assert "as text it has at most 40 digits before its point" in what


@pytest.mark.parametrize("text", ["0x10", "one", "", " 1", "1 ", "١", "1_000", "--1", "1e", "."])
def test_what_is_no_number_is_told_so(root: ApiClient, text: str) -> None:
    ((_, what),) = faults(root.post(PLAN, asked(total_equity=text)))
    assert what == "must be a number, or a decimal as text"


@pytest.mark.parametrize("version", ["1" + "0" * 30, "0", "-1", "2.0", '"2"', "true", "null", "1000001"])
def test_a_version_is_told_its_bounds(root: ApiClient, version: str) -> None:
    raw = orjson.dumps(asked(schema_version=77)).replace(b"77", version.encode())
    ((where, what),) = faults(root.post(PLAN, raw))
    assert (where, what) == ("/schema_version", "must be a whole number from 1 to 1,000,000")


@pytest.mark.parametrize("digits", ["1" * 500, "1e999", "1e-999"])
def test_a_number_that_no_reader_holds_is_malformed_with_its_place(root: ApiClient, digits: str) -> None:
    raw = orjson.dumps(asked(positions=[position("alpha", "mom", "B", 1234567, 1)]))
    answer = root.post(PLAN, raw.replace(b"1234567", digits.encode()))
    assert (refusal(answer), pointer(answer)) == ((400, "E_MALFORMED"), "/positions/0/qty")


def test_a_missing_price_is_told_once_with_all_that_need_it(root: ApiClient) -> None:
    answer = root.post(PLAN, asked(**OVERLAY))
    assert faults(answer) == [
        ("/overlay/price_by_symbol/F", "'F', the instrument of 'alpha', 'beta', has no price above 0")
    ]


def test_an_overlay_entry_that_stands_twice_is_told_with_its_place(root: ApiClient) -> None:
    two = {"mode": "overlay", "overlay": {"instrument_by_world": {"alpha": "F", "alphb": "G"}}}
    answer = root.post(PLAN, orjson.dumps(asked(**two)).replace(b"alphb", b"alpha"))
    assert (refusal(answer), pointer(answer)) == (
        (400, "E_MALFORMED"),
        "/overlay/instrument_by_world/alpha",
    )


@pytest.mark.parametrize(
    ("query", "status", "place"),
    [
        ("world_id=alpha%00", 400, "?world_id"),
        ("world_id=%00", 400, "?world_id"),
        ("world_id%00=alpha", 400, "?world_id"),
        ("world_id=alpha&world_id=alpha", 422, "?world_id"),
        ("world_id=", 422, "?world_id"),
        ("world_id=a/b", 422, "?world_id"),
        ("world_id=%FF", 422, "?world_id"),
        ("world=alpha", 422, "?world"),
    ],
)
@pytest.mark.parametrize("path", [ALLOCATIONS])
def test_a_query_that_cannot_be_meant_is_refused(
    desk: ApiClient, path: str, query: str, status: int, place: str
) -> None:
    answer = desk.get(f"{path}?{query}")
    assert (answer.status_code, pointer(answer)) == (status, place)
