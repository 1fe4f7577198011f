"""Fills and nodes as runners report them."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from tests.api import ApiClient, body

FILLS = "/worlds/alpha/strategies/mom/fills"
NODES = "/worlds/alpha/strategies/mom/nodes"


def fill(fill_id: str = "f1", **changes: Any) -> dict[str, Any]:
    """A record of the fills endpoint."""
    return {
        "fill_id": fill_id,
        "order_id": "o1",
        "ts": "2024-01-02T03:04:05.678901Z",
        "symbol": "BTC/USDT",
        "venue": "binance",
        "side": "buy",
        "qty": "0.123456789012345678",
        "price": "64000.5",
        "fee": "-0.01",
        "mode": "paper",
        **changes,
    }


def listed(client: ApiClient, query: str = "limit=500") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = body(client.get(f"{FILLS}?{query}"))["items"]
    return items


def put_nodes(client: ApiClient, *reports: dict[str, Any], path: str = NODES) -> HttpResponse:
    return client.call("PUT", path, {"nodes": list(reports)})


def node(name: str = "weights", state: str = "active", **fields: Any) -> dict[str, Any]:
    if state == "error":
        fields.setdefault("error", "ZeroDivisionError: division by zero")
    return {"node": name, "state": state, **fields}
