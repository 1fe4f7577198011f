"""A small client of the API for tests, and the documents that most of them need."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
from django.http import HttpResponse
from django.test import Client

from evaluation.services import evaluate_waiting

POLICY: dict[str, Any] = {
    "version": 1,
    "validation_profiles": {
        "backtest": {
            "sample": {"min_effective_years": 1.0, "min_trades_total": 10},
            "performance": {"sharpe_min": 0.5, "max_dd_max": 0.4, "gain_to_pain_min": None},
        }
    },
}


class ApiClient:
    """JSON in, JSON out, with a token."""

    def __init__(self, token: str | None) -> None:
        self.token = token
        self.client = Client(raise_request_exception=False)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        """`body` as JSON, or as it is when it is bytes or text. Headers like `if_match="..."`."""
        given = {f"HTTP_{name.upper()}": value for name, value in headers.items() if name != "content_type"}
        if self.token is not None:
            given.setdefault("HTTP_AUTHORIZATION", f"Bearer {self.token}")
        if body is None:
            data = b""
        else:
            data = (
                body
                if isinstance(body, bytes)
                else body.encode()
                if isinstance(body, str)
                else orjson.dumps(body)
            )
        content_type = headers.get("content_type", "application/json")
        response: HttpResponse = self.client.generic(method, path, data, content_type=content_type, **given)
        return response

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.call("POST", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.call("PATCH", path, body, **headers)

    def delete(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.call("DELETE", path, body, **headers)

    # --- what most tests start from ---------------------------------------------------------------------
    def make_world(self, world_id: str = "alpha", *, policy: Any = POLICY, **fields: Any) -> str:
        assert self.post("/worlds", {"id": world_id, **fields}).status_code == 201
        if policy is not None:
            answer = self.post(f"/worlds/{world_id}/policy", policy)
            assert answer.status_code == 201, answer.content
        return world_id

    def make_strategy(self, strategy_id: str = "mom", **fields: Any) -> str:
        assert self.post("/strategies", {"id": strategy_id, **fields}).status_code == 201
        return strategy_id

    def submit(
        self, world_id: str, strategy_id: str, results: Any, *, run_id: str = "r1", **fields: Any
    ) -> HttpResponse:
        path = f"/worlds/{world_id}/strategies/{strategy_id}/runs"
        return self.post(path, {"run_id": run_id, "results": results, **fields})

    def evaluate(self, world_id: str) -> int:
        """What the worker does after a submission."""
        return evaluate_waiting(world_id=world_id)


def returns(count: int = 504, *, mean: float = 0.0008, deviation: float = 0.01, seed: int = 1) -> list[float]:
    """A record with exactly this mean and deviation, in a random order."""
    draws = np.random.default_rng(seed).standard_normal(count)
    scaled = (draws - draws.mean()) / draws.std(ddof=1)
    return (mean + deviation * scaled).tolist()


def results(values: list[float] | None = None, **fields: Any) -> dict[str, Any]:
    """A results document: daily returns from 2020 on, 60 trades."""
    record = {"values": values or returns(), "start": "2020-01-01", "interval": "1d"}
    return {"returns": record, "trades": {"count": 60}, **fields}


def body(response: HttpResponse) -> Any:
    return orjson.loads(response.content)
