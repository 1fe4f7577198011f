"""A world with live strategies that reported what they earned until now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from strategies.models import Binding
from tests.api import POLICY, ApiClient, body, results, returns
from tests.kept import Keep
from tests.strategies.reporting import move

WATCHED: dict[str, Any] = {
    **POLICY,
    "data_currency": {"max_lag": "5d"},
    "live_monitoring": {
        "sharpe_min": 0.0,
        "max_drawdown_min": -0.2,
        "decay_min": 0.5,
        "risk_cut": {"max_drawdown_min": -0.3},
    },
}
GoLive = Callable[..., None]
RUN = "/worlds/alpha/strategies/mom/runs/r1"


@pytest.fixture
def watched(root: ApiClient) -> ApiClient:
    """The API as a superuser, with a world `alpha` whose policy watches who is live."""
    root.make_world(policy=WATCHED, allow_live=True)
    return root


@pytest.fixture(scope="module")
def judged_rows(keep: Keep) -> None:
    with keep("judged_rows") as root:
        root.make_world()
        root.make_strategy(name="Momentum", family="momentum", model_card={"thesis": "winners go on"})
        root.submit("alpha", "mom", results(meta={"dataset_fingerprint": "sp500-2020"}))
        assert root.evaluate("alpha") == 1


@pytest.fixture
def judged(judged_rows: None, root: ApiClient) -> ApiClient:
    """A world `alpha` with the judged run `r1` of `mom`."""
    return root


@pytest.fixture
def go_live(watched: ApiClient) -> GoLive:
    """`go_live("a", values)`: a strategy that is live, and what it earned each day until an hour ago.

    `ago`: days since its newest point.
    """

    def make(name: str, values: Any = (), *, backtest: list[float] | None = None, ago: float = 0.04) -> None:
        watched.make_strategy(name)
        answer = watched.submit("alpha", name, results(backtest or returns(seed=3)), run_id="backtest")
        assert answer.status_code == 202, answer.content
        watched.evaluate("alpha")
        if Binding.objects.get(world_id="alpha", strategy_id=name).state == "rejected":
            move(name, "resubmit", "start_validation", "start_dry_run")
        move(name, "promote")
        if len(values):
            records = daily(values, until=timezone.now() - timedelta(days=ago))
            told = watched.post(f"/worlds/alpha/strategies/{name}/performance", records)
            assert told.status_code == 202, told.content

    return make


def daily(values: Any, *, until: datetime) -> list[dict[str, Any]]:
    """A record a day, the newest one at `until`."""
    size = len(values)
    return [
        {"ts": (until - timedelta(days=size - 1 - place)).astimezone(UTC).isoformat(), "return": float(value)}
        for place, value in enumerate(values)
    ]


def earned(days: int = 120, *, mean: float = 0.001, seed: int = 1) -> Any:
    """So many days of returns with this mean."""
    draws = np.random.default_rng(seed).standard_normal(days)
    return mean + 0.005 * (draws - draws.mean()) / draws.std()


def live_report(client: ApiClient, query: str = "") -> dict[str, Any]:
    answer = client.get(f"/worlds/alpha/live-monitoring{query}")
    assert answer.status_code == 200, answer.content
    document: dict[str, Any] = body(answer)
    return document


def row_of(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(row for row in report["bindings"] if row["strategy_id"] == name)
