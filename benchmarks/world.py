"""The world that the HTTP benchmarks work in, made over the API, and records for it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import numpy as np

from benchmarks.client import Client

WORLD = "bench"
PERIODS = 2_520
SECONDS_TO_JUDGE = 60
FIRST_DAY = datetime(2014, 1, 2, tzinfo=UTC)
POLICY: dict[str, Any] = {
    "version": 1,
    "validation_profiles": {
        "backtest": {
            "sample": {"min_effective_years": 3.0, "min_trades_total": 50},
            "performance": {"sharpe_min": 0.6, "max_dd_max": 0.35, "gain_to_pain_min": 1.05},
            "robustness": {"dsr_min": 0.2},
        }
    },
}


def make_world(client: Client, world_id: str = WORLD, *, benchmark: bool = True) -> str:
    """A world with a policy, and a benchmark of the same days as the records."""
    fields: dict[str, Any] = {"id": world_id}
    if benchmark:
        fields["benchmark"] = series(seed=0)
    client.make("/worlds", fields)
    client.make(f"/worlds/{world_id}/policy", POLICY)
    return world_id


def timestamps() -> list[str]:
    """2,520 weekdays as RFC 3339."""
    days = np.busday_offset(np.datetime64(FIRST_DAY.date(), "D"), np.arange(PERIODS), roll="forward")
    return [f"{day}T00:00:00Z" for day in days.tolist()]


def series(*, seed: int, times: list[str] | None = None) -> dict[str, Any]:
    """Daily returns with fat tails, a Sharpe ratio around 1, and a time for each."""
    draws = np.random.default_rng(seed).standard_t(4, PERIODS) * 0.006 + 0.0005
    return {"values": np.clip(draws, -0.5, None).tolist(), "timestamps": times or timestamps()}


def results(*, seed: int, times: list[str] | None = None) -> dict[str, Any]:
    return {
        "returns": {**series(seed=seed, times=times), "source": "strategy_explicit"},
        "trades": {"count": 200 + seed % 100, "turnover": 4.5},
        "meta": {"tags": ["benchmark"], "dataset_fingerprint": "random"},
    }


def make_strategy(client: Client, strategy_id: str, *, family: str = "") -> str:
    client.make("/strategies", {"id": strategy_id, "family": family, "tags": ["benchmark"]})
    return strategy_id


def submit(client: Client, strategy_id: str, *, seed: int, world_id: str = WORLD) -> str:
    """A run with its results; the path of the run."""
    path = f"/worlds/{world_id}/strategies/{strategy_id}/runs"
    run = client.make(path, {"run_id": "r1", "results": results(seed=seed)})
    return str(run["links"]["self"])


def wait_until_judged(client: Client, path: str) -> dict[str, Any]:
    deadline = time.monotonic() + SECONDS_TO_JUDGE
    while time.monotonic() < deadline:
        run: dict[str, Any] = client.document(path)
        if run["status"] not in {"submitted", "evaluating"}:
            return run
        time.sleep(0.1)
    raise SystemExit(f"{path} was not judged within {SECONDS_TO_JUDGE} s")
