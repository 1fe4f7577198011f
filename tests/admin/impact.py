"""Policies whose impact is asked about, and where it is shown."""

from __future__ import annotations

from typing import Any

from tests.api import ApiClient, body
from tests.decisions.conftest import DECIDES
from worlds.models import PolicyVersion

TEXT = "/admin/evaluation/evaluationturn/alpha/impact/"
STRICT = {**DECIDES, "selection": {**DECIDES["selection"], "gates": "sharpe >= 99"}}
PERFORMANCE = {"sharpe_min": 9.0, "max_dd_max": 0.4, "gain_to_pain_min": None}
NOBODY_PASSES = {"version": 1, "validation_profiles": {"backtest": {"performance": PERFORMANCE}}}


def draft(api: ApiClient, document: dict[str, Any], world: str = "alpha") -> PolicyVersion:
    version = body(api.post(f"/worlds/{world}/policies", document))["version"]
    return PolicyVersion.objects.get(world=world, version=version)


def url(version: int, **asked: Any) -> str:
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    return f"{TEXT}{version}/?{query}"
