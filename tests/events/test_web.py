"""What the web process, which holds nothing open, says to those who want to stay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.api import ApiClient, body
from tests.problem import refusal

pytestmark = pytest.mark.django_db
SSE = {"accept": "text/event-stream"}


@pytest.fixture
def world(root: ApiClient, settings: Any) -> ApiClient:
    settings.STREAM_URL = "http://streams.example.com"
    root.make_world(policy=None)
    return root


@pytest.mark.parametrize(("query", "headers"), [("", SSE), ("?wait=30", {}), ("?after=1&wait=0.5", {})])
def test_it_says_where_streams_are(world: ApiClient, query: str, headers: dict[str, str]) -> None:
    answer = world.get(f"/worlds/alpha/events{query}", **headers)
    assert refusal(answer) == (421, "E_STREAM_ELSEWHERE")
    there = f"http://streams.example.com/worlds/alpha/events{query}"
    assert body(answer)["stream_url"] == there
    assert answer["Link"] == f'<{there}>; rel="alternate"'


@pytest.mark.parametrize("last", ["99", "x", "-1", ""])
def test_what_cannot_be_meant_is_refused_first(world: ApiClient, last: str) -> None:
    answer = world.get("/worlds/alpha/events", last_event_id=last, **SSE)
    assert refusal(answer) == (422, "E_VALIDATION")


def test_who_may_not_read_is_told_nothing(world: ApiClient, someone: Callable[..., ApiClient]) -> None:
    assert refusal(someone("eve").get("/worlds/alpha/events", **SSE)) == (404, "E_NOT_FOUND")


def test_a_plain_page_is_answered_at_once(world: ApiClient) -> None:
    page = body(world.get("/worlds/alpha/events?after=1"))
    assert [event["sequence"] for event in page["events"]] == list(range(2, page["next"] + 1))
