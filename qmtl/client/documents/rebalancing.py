"""Allocations and plans (spec 07). Keys that are not listed stand in `raw`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from qmtl.client.decoding import Document


@dataclass(frozen=True, kw_only=True)
class RebalancePlan(Document):
    """A plan by schema version; version 1 has neither `alpha_metrics` nor `rebalance_intent`."""

    schema_version: int
    per_world: dict[str, dict[str, Any]] = field(default_factory=dict)
    global_deltas: list[dict[str, Any]] = field(default_factory=list)
    overlay_deltas: list[dict[str, Any]] | None = None
    rebalance_schema_version: int = 1
    alpha_metrics_capable: bool = False
    alpha_metrics: dict[str, Any] | None = None
    rebalance_intent: dict[str, Any] | None = None
    cost_estimate: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Allocations(Document):
    allocations: dict[str, dict[str, Any]] = field(default_factory=dict)
