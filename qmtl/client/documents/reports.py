"""Reports of the service (spec 03, 08). Rows stay plain: their keys are in the service's schema."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from qmtl.client.decoding import Document

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ValidationReport(Document):
    """How a run was validated. `limits`: where its evidence ends, `{kind, subject, words}` each."""

    world_id: str
    strategy_id: str
    run_id: str
    run: Row
    strategy: Row
    verdict: Row
    policy: Row
    rules: list[Row]
    metrics: dict[str, Row]
    evidence: Row
    limits: list[Row]
    revisions: list[Row] = field(default_factory=list)
    overrides: list[Row] = field(default_factory=list)
    placement: Row | None = None
    error: Row | None = None
    links: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class LiveSummary(Document):
    """`status`: that of the worst one (risk_cut, breached, absent, stale, insufficient, unbounded, ok), or empty."""

    status: str
    headline: str
    live: int
    by_status: dict[str, int] = field(default_factory=dict)
    breaches: int = 0
    demotion_candidates: int = 0
    sharpe_trends: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class LiveReport(Document):
    """How a world's live strategies do. `bindings`: each with its windows of 30, 60 and 90 days, the worst first."""

    world_id: str
    as_of: datetime
    summary: LiveSummary
    breaches: list[Row]
    demotion_candidates: list[Row]
    bindings: list[Row]
    world: Row = field(default_factory=dict)
    policy: Row | None = None
