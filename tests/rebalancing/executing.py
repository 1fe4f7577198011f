"""Executing plans as a client and as a runner do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.api import ApiClient, body
from tests.rebalancing.conftest import asked, position

EXECUTE = "/rebalancing/execute"


def apply(client: ApiClient, run_id: str = "r1", **fields: Any) -> None:
    answer = client.post("/rebalancing/apply", asked(run_id=run_id, **fields))
    assert answer.status_code == 201, answer.content


def execute(client: ApiClient, run_id: str = "r1", **fields: Any) -> dict[str, Any]:
    answer = client.post(EXECUTE, {"run_id": run_id, **fields})
    assert answer.status_code == 200, answer.content
    document: dict[str, Any] = body(answer)
    return document


def lines(orders: Iterable[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(o["purpose"], o["side"], o["qty"], o["symbol"], o["status"]) for o in orders]


def register(client: ApiClient, name: str = "runner-1") -> None:
    wanted = {"client_id": "g1", "strategies": [{"id": "mom"}], "executor": name}
    assert client.post("/worlds/alpha/gates", wanted).status_code == 201


def only(after: float, qty: float = 3) -> dict[str, Any]:
    """A plan about `mom` alone, with half of the equity before."""
    return {
        "world_alloc_before": {"alpha": 0.5},
        "world_alloc_after": {"alpha": after},
        "positions": [position("alpha", "mom", "BTC", qty, 10_000)],
    }


def report(
    client: ApiClient,
    order: dict[str, Any],
    qty: str,
    *,
    fill: str = "f1",
    owner: tuple[str, str] = ("alpha", "mom"),
    **other: Any,
) -> None:
    """A live fill of the order; `other` is what it says otherwise."""
    record = {
        "fill_id": fill, "order_id": order["order_id"], "ts": "2026-01-01T00:00:00Z", "symbol": order["symbol"],
        "venue": order["venue"], "side": order["side"], "qty": qty, "price": "10100", "mode": "live", **other,
    }  # fmt: skip
    world, strategy = owner
    assert client.post(f"/worlds/{world}/strategies/{strategy}/fills", [record]).status_code == 202
