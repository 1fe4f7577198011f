"""Evaluation runs and their verdicts (requirement 01). Keys that are not listed stand in `raw`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from qmtl.client.decoding import Document


@dataclass(frozen=True, kw_only=True)
class Violation(Document):
    """A rule that did not pass: what was measured, the bound, and by how much it is missed (negative)."""

    rule: str
    status: str = ""
    severity: str = ""
    owner: str = ""
    reason_code: str = ""
    reason: str = ""
    metric: str | None = None
    value: float | None = None
    bound: float | None = None
    margin: float | None = None


@dataclass(frozen=True, kw_only=True)
class Summary(Document):
    """The verdict: `status` is pass, warn, fail or inconclusive."""

    status: str
    recommended_stage: str = ""
    violations: list[Violation] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class AcceptedRun(Document):
    run_id: str
    status: str
    links: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Run(Document):
    """An evaluation run. `summary` is there once it is evaluated; `links` has its metrics and snapshot from then on."""

    world_id: str
    strategy_id: str
    run_id: str
    stage: str
    status: str
    status_reason: str = ""
    phase: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    evaluated_at: datetime | None = None
    effective_mode: str = ""
    activation_state: str = ""
    summary: Summary | None = None
    links: dict[str, str | None] = field(default_factory=dict)

    @property
    def is_evaluated(self) -> bool:
        return self.summary is not None

    @property
    def is_over(self) -> bool:
        """It will not be judged any more, or was."""
        return self.is_evaluated or self.status in {"evaluated", "activated", "rejected", "expired"}


@dataclass(frozen=True, kw_only=True)
class Metrics(Document):
    """The metric contract of requirement 01; a figure that is not known is None, with its reason in diagnostics."""

    world_id: str
    strategy_id: str
    run_id: str
    status: str
    evaluation: dict[str, Any]
    validation: dict[str, Any] = field(default_factory=dict)
    placement: dict[str, Any] | None = None
    summary: Summary | None = None


@dataclass(frozen=True, kw_only=True)
class Snapshot(Document):
    """The envelope that is stored as it is in `.qmtl_snapshots/` (`raw`)."""

    snapshot_id: str
    world_id: str
    strategy_id: str
    run_id: str
    created_at: datetime
    metrics: dict[str, Any]
    series_heads: dict[str, Any] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)
    storage_refs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SnapshotSummary(Document):
    snapshot_id: str
    strategy_id: str
    run_id: str
    created_at: datetime
    sha256: str
    link: str = ""
