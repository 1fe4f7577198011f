"""Worlds with strategies that hold something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from qmtl_site.audit.actor import Actor
from strategies.models import Binding
from strategies.services import move_binding
from tests.activation.acting import decided, go
from tests.api import ApiClient, body
from tests.kept import Keep

Ask = Callable[..., dict[str, Any]]


def position(
    world: str, strategy: str, symbol: str, qty: Any, mark: Any, venue: str | None = None
) -> dict[str, Any]:
    row = {"world_id": world, "strategy_id": strategy, "symbol": symbol, "qty": qty, "mark": mark}
    return row if venue is None else {**row, "venue": venue}


def asked(**fields: Any) -> dict[str, Any]:
    """Ten percent of equity from `alpha` to `beta`, of which both hold BTC."""
    return {
        "total_equity": 100_000,
        "world_alloc_before": {"alpha": 0.3, "beta": 0.2},
        "world_alloc_after": {"alpha": 0.2, "beta": 0.3},
        "positions": [
            position("alpha", "mom", "BTC", 3, 10_000),
            position("alpha", "rev", "ETH", 9, 1_000),
            position("beta", "carry", "BTC", 2, 10_000),
        ],
        **fields,
    }


def bind(client: ApiClient, world: str, *names: str) -> None:
    """Strategies in dry run: they trade on paper."""
    for name in names:
        client.make_strategy(name)
    assert client.post(f"/worlds/{world}/bindings", {"strategies": list(names)}).status_code == 201
    for binding in Binding.objects.filter(world=world, strategy__in=names):
        for step in ("start_validation", "start_dry_run"):
            move_binding(binding=binding, by=step, reason="a test", actor=Actor.service("test"))


@pytest.fixture(scope="module")
def desk_rows(keep: Keep) -> None:
    with keep("desk_rows") as root:
        for world, names in (("alpha", ["mom", "rev"]), ("beta", ["carry"])):
            root.make_world(world, policy=None)
            bind(root, world, *names)


@pytest.fixture(scope="module")
def trading_rows(keep: Keep, desk_rows: None) -> None:
    with keep("trading_rows", on="desk_rows") as root:
        root.patch("/worlds/alpha", {"allow_live": True})
        decided()
        assert go("first", opens={"mom": 0.5}).phase == "completed"


@pytest.fixture
def desk(desk_rows: None, root: ApiClient) -> ApiClient:
    """The API as a superuser; `mom` and `rev` trade on paper in `alpha`, `carry` in `beta`."""
    return root


@pytest.fixture
def trading(trading_rows: None, root: ApiClient) -> ApiClient:
    """`mom` is live in `alpha`, its gate open; `runner-1` executes there."""
    return root


def events_of(client: ApiClient, world: str, kind: str) -> list[dict[str, Any]]:
    """Data of all events of a type."""
    page = body(client.get(f"/worlds/{world}/events?after=0&limit=500"))["events"]
    return [event["data"] for event in page if event["type"] == kind]
