"""What a world decides, and who waits for a person's word. Keys that are not listed stand in `raw`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from qmtl.client.decoding import Document


@dataclass(frozen=True, kw_only=True)
class Candidate(Document):
    """What a decision says of one strategy, and every step that led there (`trace`)."""

    strategy_id: str
    state: str
    outcome: str
    stage: str | None = None
    run_id: str | None = None
    eligible: bool = False
    score: float | None = None
    rank: int | None = None
    counted: bool = False
    consecutive_passes: int = 0
    consecutive_failures: int = 0
    reasons: list[str] = field(default_factory=list)
    trace: list[dict[str, Any]] = field(default_factory=list)
    margins: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Decision(Document):
    world_id: str
    decision_id: str | None
    policy_version: int | None
    as_of: datetime
    dry_run: bool
    plan: dict[str, list[str]]
    active_set: list[str]
    weights: dict[str, float]
    candidates: list[Candidate]
    ruleset_hash: str | None = None
    inputs_hash: str | None = None
    reason: str | None = None

    def candidate(self, strategy_id: str) -> Candidate | None:
        return next((each for each in self.candidates if each.strategy_id == strategy_id), None)


@dataclass(frozen=True, kw_only=True)
class DecisionSummary(Document):
    decision_id: str
    number: int
    policy_version: int
    as_of: datetime
    promoted: int = 0
    demoted: int = 0
    made_by: str = ""
    link: str = ""


@dataclass(frozen=True, kw_only=True)
class Promotion(Document):
    promotion_id: int
    world_id: str
    strategy_id: str
    decision_id: str
    state: str
    decided_by: str | None = None
    reason: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
