"""What is suggested for a name that is not there."""

from __future__ import annotations

import pytest

from qmtl.client.nearest import nearest, not_there


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("alpa_world", ["alpha_world", "demo"], "alpha_world"),
        ("alpa_world", ["alpha", "demo"], "alpha"),
        ("ALPHA", ["alpha"], "alpha"),
        ("demo_world", ["alpha", "demo"], "demo"),
        ("sp500", ["sp500-daily", "btc-1h"], "sp500-daily"),
        ("mo", ["momentum", "weak"], "momentum"),
        ("m", ["momentum"], None),
        ("zebra", ["alpha", "demo"], None),
        ("", ["alpha"], None),
        ("x", [], None),
    ],
)
def test_the_nearest_name(name: str, known: list[str], meant: str | None) -> None:
    assert nearest(name, known) == meant


def test_where_none_is_near_those_that_there_are_are_listed() -> None:
    assert not_there("world", "zebra", ["demo", "alpha"]) == "no such world 'zebra'; there is alpha, demo"
    assert not_there("world", "zebra", []) == "no such world 'zebra'; there is none that you may see"
