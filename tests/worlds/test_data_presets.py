"""Data presets: declared sources, the first is the default and fits the world's year."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api import ApiClient, body
from tests.problem import nothing_written, pointer, refusal
from worlds.domain.presets import plausible_periods

DAILY: dict[str, Any] = {
    "id": "daily",
    "source": "parquet",
    "symbols": ["AAPL", "MSFT"],
    "interval": "1d",
    "window": "1500d",
    "max_lag": "P3D",
    "dataset_fingerprint": "sha256:abc",
}
HOURLY: dict[str, Any] = {"id": "hourly", "source": "ccxt", "symbols": ["BTC/USDT"], "interval": "1h"}


def test_presets_are_answered_as_they_were_declared(root: ApiClient) -> None:
    root.make_world(policy=None, data_presets=[DAILY, HOURLY])
    first, second = body(root.get("/worlds/alpha"))["data_presets"]
    assert first == DAILY
    assert second == {"window": None, "max_lag": None, "dataset_fingerprint": None, **HOURLY}


@pytest.mark.parametrize(
    ("presets", "place"),
    [
        ([DAILY, DAILY], "/data_presets/1/id"),
        ([HOURLY], "/data_presets/0/interval"),
        ([{**DAILY, "id": "latest"}], "/data_presets/0"),
        ([{**DAILY, "id": "a/b"}], "/data_presets/0/id"),
        ([{**DAILY, "source": "oracle"}], "/data_presets/0/source"),
        ([{**DAILY, "interval": "daily"}], "/data_presets/0/interval"),
        ([{**DAILY, "interval": 5}], "/data_presets/0/interval"),
        ([{**DAILY, "window": "a while"}], "/data_presets/0/window"),
        ([{**DAILY, "max_lag": "1y"}], "/data_presets/0/max_lag"),
        ([{**DAILY, "symbols": ["A", "A"]}], "/data_presets/0"),
        ([{**DAILY, "symbols": [""]}], "/data_presets/0/symbols/0"),
        ([{**HOURLY, "symbols": []}], "/data_presets/0"),
        ([{**DAILY, "path": "/etc/passwd"}], "/data_presets/0/path"),
        (None, "/data_presets"),
        ("daily", "/data_presets"),
        ([DAILY] * 51, "/data_presets"),
    ],
    ids=lambda value: str(value)[:70],
)
def test_odd_presets_are_refused_with_their_place(root: ApiClient, presets: Any, place: str) -> None:
    root.make_world(policy=None)
    with nothing_written():
        answer = root.patch("/worlds/alpha", {"data_presets": presets})
    assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), place)


def test_the_year_cannot_leave_its_default_preset_behind(root: ApiClient) -> None:
    root.make_world(policy=None, data_presets=[DAILY])
    answer = root.patch("/worlds/alpha", {"periods_per_year": 8760})
    assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), "/data_presets/0/interval")
    both = {"periods_per_year": 8760, "data_presets": [HOURLY, DAILY]}
    assert root.patch("/worlds/alpha", both).status_code == 200


@pytest.mark.parametrize(
    ("interval", "periods", "fits"),
    [
        ("1d", 252, True),
        ("1d", 365, True),
        ("1d", 52, False),
        ("1w", 52, True),
        ("1w", 252, False),
        ("1h", 8760, True),
        ("1h", 1638, True),
        ("1h", 252, False),
        ("5m", 19656, True),
        ("5m", 105_120, True),
        ("1m", 525_600, True),
        ("1m", 252, False),
    ],
)
def test_which_intervals_fit_a_year(interval: str, periods: float, fits: bool) -> None:
    assert plausible_periods(interval, periods) is fits
