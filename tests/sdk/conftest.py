"""A running service with a world whose data is a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from knox.models import AuthToken

from qmtl.client import Client
from qmtl.sdk.intervals import iso
from tests.conftest import empty_database
from tests.sdk.authors import prices
from tests.sdk.service import Service, service_of

POLICY: dict[str, Any] = {
    "version": 1,
    "validation_profiles": {
        "backtest": {
            "sample": {"min_effective_years": 1.0, "min_trades_total": 10},
            "performance": {"sharpe_min": 0.5, "max_dd_max": 0.5, "gain_to_pain_min": None},
            "robustness": {"dsr_min": None, "psr_min": None, "cv_sharpe_gap_max": None, "pbo_max": None},
        },
        "paper": {"performance": {"sharpe_min": -5.0, "max_dd_max": 0.9, "gain_to_pain_min": None}},
        "live": {"performance": {"sharpe_min": -5.0, "max_dd_max": 0.9, "gain_to_pain_min": None}},
    },
    "selection": {
        "gates": "sharpe >= -5.0",
        "top_k": {"k": 3},
        "hysteresis": {"promote_after": 1, "demote_after": 2},
    },
    "governance": {"live_promotion": {"mode": "auto_apply", "cooldown": "0s"}},
    "data_currency": {"max_lag": None},
}
PRESET = {"id": "daily", "source": "csv", "symbols": ["S0", "S1", "S2", "S3", "S4"], "interval": "1d"}


@pytest.fixture(scope="module")
def service(django_db_setup: None, django_db_blocker: Any) -> Iterator[Service]:
    with django_db_blocker.unblock():
        token = AuthToken.objects.create(User.objects.create_superuser("root"))[1]
        with service_of(token) as running:
            yield running
        empty_database()


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[Client]:
    with service.client() as opened:
        yield opened


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the preset `daily`."""
    frame = prices(800, 5)
    lines = ["date," + ",".join(frame.symbols)]
    for time, row in zip(frame.times.tolist(), frame.close.tolist(), strict=True):
        lines.append(",".join([iso(time), *map(repr, row)]))
    path = tmp_path / "daily.csv"
    path.write_text("\n".join(lines))
    monkeypatch.setenv("QMTL_DATA_DIR", str(tmp_path))
    return path


def make_world(client: Client, world_id: str, **fields: Any) -> str:
    client.create_world(world_id, data_presets=[PRESET], **fields)
    client.publish_policy(world_id, POLICY)
    return world_id
