"""Strategies that trade, and what they report."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from qmtl_site.audit.actor import Actor
from strategies.models import Binding
from strategies.services import move_binding
from tests.api import ApiClient, body

PATH = "/worlds/alpha/strategies/mom/performance"


def put_in_dry_run(client: ApiClient, *names: str) -> None:
    for name in names:
        client.make_strategy(name)
    assert client.post("/worlds/alpha/bindings", {"strategies": list(names)}).status_code == 201
    for name in names:
        move(name, "start_validation", "start_dry_run")


def move(name: str, *steps: str) -> Binding:
    """The binding of the strategy in `alpha`, after these transitions."""
    binding = Binding.objects.get(world_id="alpha", strategy_id=name)
    for step in steps:
        move_binding(binding=binding, by=step, reason="a test", actor=Actor.service("test"))
    return binding


def report(client: ApiClient, records: Any, name: str = "mom") -> HttpResponse:
    return client.post(PATH.replace("mom", name), records)


def taken(client: ApiClient, records: Any, name: str = "mom") -> dict[str, Any]:
    answer = report(client, records, name)
    assert answer.status_code == 202, answer.content
    document: dict[str, Any] = body(answer)
    return document


def listed(client: ApiClient, query: str = "limit=500", name: str = "mom") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = body(client.get(f"{PATH.replace('mom', name)}?{query}"))["items"]
    return items


def at(day: int, *, year: int = 2024) -> str:
    """Midnight of one of 336 days of a year."""
    return f"{year}-{day // 28 + 1:02}-{day % 28 + 1:02}T00:00:00Z"


def days(*numbers: int, year: int = 2024) -> list[dict[str, Any]]:
    """A record for each of these days; its return tells the day."""
    return [{"ts": at(number, year=year), "return": number / 1000} for number in numbers]
