"""Records and queries that cannot be used, each with the place of its fault."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.api import ApiClient, body
from tests.problem import nothing_written, pointer, refusal
from tests.strategies.reporting import PATH, at, days, report

TOMORROW = (timezone.now() + timedelta(days=2)).isoformat()
HUGE = 1.7e308

RECORDS: dict[str, tuple[dict[str, Any], str]] = {
    "no time": ({"return": 0.1}, "ts"),
    "no time but null": ({"ts": None, "return": 0.1}, "ts"),
    "a time as a number": ({"ts": 1704067200, "return": 0.1}, "ts"),
    "a time that is none": ({"ts": "yesterday", "return": 0.1}, "ts"),
    "a day that is none": ({"ts": "2024-02-30T00:00:00Z", "return": 0.1}, "ts"),
    "a time without a zone": ({"ts": "2024-01-05T00:00:00", "return": 0.1}, "ts"),
    "a day without a time": ({"ts": "2024-01-05", "return": 0.1}, "ts"),
    "a time long ago": ({"ts": "1899-12-31T23:59:59Z", "return": 0.1}, "ts"),
    "the first time of all": ({"ts": "0001-01-01T00:00:00+23:59", "return": 0.1}, "ts"),
    "the last time of all": ({"ts": "9999-12-31T23:59:59-23:59", "return": 0.1}, "ts"),
    "a time to come": ({"ts": TOMORROW, "return": 0.1}, "ts"),
    "nothing but a time": ({"ts": at(5)}, "return"),
    "nothing but nulls": ({"ts": at(5), "return": None, "pnl": None, "equity": None}, "return"),
    "a return as text": ({"ts": at(5), "return": "0.1"}, "return"),
    "a return as a truth": ({"ts": at(5), "return": True}, "return"),
    "a return as a list": ({"ts": at(5), "return": [0.1]}, "return"),
    "a return below a total loss": ({"ts": at(5), "return": -1.0001}, "return"),
    "a pnl alone": ({"ts": at(5), "pnl": 1}, "equity"),
    "a pnl beside a return alone": ({"ts": at(5), "return": 0.1, "pnl": 1}, "equity"),
    "an equity alone": ({"ts": at(5), "equity": 1}, "pnl"),
    "a pnl as text": ({"ts": at(5), "pnl": "1", "equity": 2}, "pnl"),
    "an equity as a truth": ({"ts": at(5), "pnl": 1, "equity": True}, "equity"),
    "an equity below zero": ({"ts": at(5), "pnl": -3, "equity": -1}, "equity"),
    "an equity that began at zero": ({"ts": at(5), "pnl": 2, "equity": 2}, "equity"),
    "an equity that began below zero": ({"ts": at(5), "pnl": 3, "equity": 2}, "equity"),
    "an equity that began at infinity": ({"ts": at(5), "pnl": -HUGE, "equity": HUGE}, "pnl"),
    "a return that is not that of its pnl": (
        {"ts": at(5), "return": 0.06, "pnl": 5, "equity": 105},
        "return",
    ),
    "half a trade": ({"ts": at(5), "return": 0.1, "trades": 0.5}, "trades"),
    "a trade less than none": ({"ts": at(5), "return": 0.1, "trades": -1}, "trades"),
    "trades as text": ({"ts": at(5), "return": 0.1, "trades": "1"}, "trades"),
    "trades as a truth": ({"ts": at(5), "return": 0.1, "trades": True}, "trades"),
    "more trades than anybody does": ({"ts": at(5), "return": 0.1, "trades": 2**62}, "trades"),
    "an unknown member": ({"ts": at(5), "return": 0.1, "mode": "live"}, "mode"),
    "a return under its Python name": ({"ts": at(5), "return_": 0.1}, "return_"),
    "a time of the batch with another value": ({"ts": at(2), "return": 0.9}, "ts"),
    "the same time in another zone": ({"ts": "2024-01-03T01:00:00+01:00", "return": 0.9}, "ts"),
}


@pytest.mark.parametrize(("record", "field"), RECORDS.values(), ids=RECORDS.keys())
@pytest.mark.parametrize("is_wrapped", [False, True], ids=["a list", "an object"])
def test_a_bad_record_is_refused_with_its_batch(
    paper: ApiClient, record: dict[str, Any], field: str, *, is_wrapped: bool
) -> None:
    batch = [*days(1, 2), record, *days(3)]
    with nothing_written():
        answer = report(paper, {"records": batch} if is_wrapped else batch)
    assert refusal(answer) == (422, "E_VALIDATION")
    assert pointer(answer) == ("/records" if is_wrapped else "") + f"/2/{field}"


BODIES: dict[str, tuple[Any, str]] = {
    "nothing at all": ({}, "/records"),
    "no records": ({"records": []}, "/records"),
    "an empty list": ([], ""),
    "records that are no list": ({"records": {"ts": at(1), "return": 0.1}}, "/records"),
    "a record that is no object": ([*days(1), 0.1], "/1"),
    "a record that is null": ([None], "/0"),
    "a record outside of a list": (days(1)[0], "/records"),
    "an unknown member": ({"records": [], "mode": "live"}, "/records"),
    "a number": (1, ""),
    "text": ('"2024"', ""),
}


@pytest.mark.parametrize(("posted", "place"), BODIES.values(), ids=BODIES.keys())
def test_a_body_of_another_shape_is_refused(paper: ApiClient, posted: Any, place: str) -> None:
    with nothing_written():
        answer = report(paper, posted)
    assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), place)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity"])
def test_a_number_that_is_not_finite_is_malformed(paper: ApiClient, number: str) -> None:
    with nothing_written():
        answer = report(paper, f'[{{"ts": "{at(1)}", "return": {number}}}]')
    assert answer.status_code in {400, 422}


def test_of_many_bad_records_the_first_is_told(paper: ApiClient) -> None:
    answer = report(paper, [*days(1), *[{"ts": at(n), "return": "much"} for n in range(2, 99)]])
    assert [fault["pointer"] for fault in body(answer)["errors"]] == ["/1/return"]


QUERIES = {
    "an unknown mode": ("mode=backtest", "?mode"),
    "an empty mode": ("mode=", "?mode"),
    "a start that is no time": ("from=yesterday", "?from"),
    "a start without a zone": ("from=2024-01-01T00:00:00", "?from"),
    "an empty start": ("from=", "?from"),
    "an end that is no time": ("to=1", "?to"),
    "an end beyond the calendar": ("to=9999-12-31T23:59:59-23:59", "?to"),
    "a start before the calendar": ("from=0001-01-01T00:00:00%2B23:59", "?from"),
    "an end before the start": ("from=2024-01-02T00:00:00Z&to=2024-01-01T00:00:00Z", "?to"),
    "no items": ("limit=0", "?limit"),
    "too many items": ("limit=501", "?limit"),
    "a limit as text": ("limit=ten", "?limit"),
    "a cursor of nobody": ("cursor=abc", "?cursor"),
    "a cursor of another list": ("cursor=WyIyMDI0LTAxLTAxVDAwOjAwOjAwKzAwOjAwIiwieCJd", "?cursor"),
}


@pytest.mark.parametrize(("query", "place"), QUERIES.values(), ids=QUERIES.keys())
def test_a_bad_query_is_refused(paper: ApiClient, query: str, place: str) -> None:
    answer = paper.get(f"{PATH}?{query}")
    assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), place)
