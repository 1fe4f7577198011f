"""Reported performance page by page: whole, newest first, in the same few queries however much there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api import ApiClient, body
from tests.strategies.reporting import PATH, at, days, listed, move, put_in_dry_run, taken


@pytest.fixture
def reported(paper: ApiClient) -> ApiClient:
    """Three stays whose times overlap, over three years."""
    for number, step in enumerate(["promote", "demote", "promote"]):
        for year in (2022, 2023, 2024):
            taken(paper, days(*range(number, 60 + 40 * number, number + 1), year=year))
        move("mom", step)
    return paper


def pages(client: ApiClient, query: str) -> list[list[dict[str, Any]]]:
    found, cursor = [], ""
    while True:
        answer = body(client.get(f"{PATH}?{query}{cursor}"))
        found.append(answer["items"])
        if answer["next_cursor"] is None:
            return found
        cursor = f"&cursor={answer['next_cursor']}"


def key(item: dict[str, Any]) -> tuple[str, str]:
    return item["ts"], item["stay"]


def test_the_list_is_whole_and_newest_first(reported: ApiClient) -> None:
    whole = listed(reported)
    assert len({key(item) for item in whole}) == len(whole) == 3 * (60 + 50 + 46)
    assert whole == sorted(whole, key=key, reverse=True)


@pytest.mark.parametrize("limit", [1, 7, 46, 155, 156, 467, 468, 469])
def test_pages_are_the_list_in_pieces(reported: ApiClient, limit: int) -> None:
    start = at(100) if limit == 1 else at(0, year=2022)
    found = pages(reported, f"limit={limit}&from={start}")
    whole = listed(reported, f"limit=500&from={start}")
    assert [item for page in found for item in page] == whole
    assert all(len(page) == limit for page in found[:-1])


@given(
    mode=st.sampled_from([None, "paper", "live"]),
    start=st.none() | st.tuples(st.integers(0, 160), st.integers(2021, 2025)),
    end=st.none() | st.tuples(st.integers(0, 160), st.integers(2021, 2025)),
    limit=st.integers(40, 500),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
def test_any_cut_is_the_same_as_that_of_the_whole_list(
    reported: ApiClient, mode: str | None, start: Any, end: Any, limit: int
) -> None:
    first, last = (at(edge[0], year=edge[1]) if edge else None for edge in (start, end))
    if first and last and first >= last:
        return
    query = {"mode": mode, "from": first, "to": last, "limit": str(limit)}
    found = pages(reported, "&".join(f"{name}={value}" for name, value in query.items() if value))
    expected = [
        item
        for item in listed(reported)
        if mode in {None, item["mode"]} and (first or "") <= item["ts"] < (last or "9")
    ]
    assert [item for page in found for item in page] == expected


def test_a_page_is_not_moved_by_what_is_added_meanwhile(paper: ApiClient) -> None:
    taken(paper, days(*range(20)))
    first = body(paper.get(f"{PATH}?limit=5"))
    following = f"{PATH}?limit=5&cursor={first['next_cursor']}"
    expected = body(paper.get(following))["items"]
    taken(paper, [*days(30), *days(1, year=2025)])
    assert body(paper.get(following))["items"] == expected


def test_there_is_nothing_before_the_first_report(paper: ApiClient) -> None:
    assert body(paper.get(PATH)) == {"items": [], "next_cursor": None}


def test_only_one_strategy_is_listed(paper: ApiClient) -> None:
    put_in_dry_run(paper, "other")
    taken(paper, days(1), "other")
    taken(paper, days(2))
    assert [item["ts"] for item in listed(paper)] == [at(2)]


def queries(client: ApiClient, query: str = "") -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(f"{PATH}?{query}").status_code == 200
    return len(captured)


def test_a_longer_list_takes_no_more_queries(paper: ApiClient) -> None:
    taken(paper, days(1))
    few = queries(paper)
    for step in ("promote", "demote", "promote"):
        move("mom", step)
        for year in range(2015, 2025):
            taken(paper, days(*range(200), year=year))
    assert [queries(paper), queries(paper, "limit=500")] == [few, few]


def test_anybody_with_a_role_reads(paper: ApiClient, someone: Callable[..., ApiClient]) -> None:
    assert someone("vera", world="alpha", roles=["viewer"]).get(PATH).status_code == 200
