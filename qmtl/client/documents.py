"""What the service answers, as the spec names it (03, 04, 06, 07). Keys that are not listed stand in `raw`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from qmtl.client.decoding import Document


# --- service and access ---------------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class Health(Document):
    status: str
    version: str = ""
    rebalance_schema_version: int = 1
    alpha_metrics_capable: bool = False
    compute_context_contract: str = ""
    stream_url: str = ""
    dependencies: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Token(Document):
    user: str
    token: str = field(repr=False)
    token_key: str
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class RoleHolder(Document):
    user: str
    roles: list[str]


@dataclass(frozen=True, kw_only=True)
class Roles(Document):
    items: list[RoleHolder]


# --- worlds ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class DataPreset(Document):
    """Where a world's strategies get their data: `source` is csv, parquet, ccxt or package-dataset."""

    id: str
    source: str
    symbols: list[str] = field(default_factory=list)
    interval: str = "1d"
    window: str | None = None
    max_lag: str | None = None
    dataset_fingerprint: str | None = None


@dataclass(frozen=True, kw_only=True)
class World(Document):
    id: str
    name: str
    state: str
    owner: str = ""
    description: str = ""
    labels: list[str] = field(default_factory=list)
    state_since: datetime | None = None
    allow_live: bool = False
    circuit_breaker: bool = False
    periods_per_year: float = 252.0
    risk_free_rate: float = 0.0
    reference_capital: float = 0.0
    reference_currency: str = "USD"
    benchmark: dict[str, Any] | None = None
    data_presets: list[DataPreset] = field(default_factory=list)
    active_policy_version: int | None = None
    last_evaluation_at: datetime | None = None
    next_evaluation_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    etag: str | None = None


@dataclass(frozen=True, kw_only=True)
class Policy(Document):
    """`source` and `document` come only with one that is asked for by its version."""

    world_id: str
    version: int
    state: str
    checksum: str
    ruleset_hash: str
    created_at: datetime
    created_by: str | None = None
    activated_at: datetime | None = None
    media: str | None = None
    source: str | None = None
    document: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Description(Document):
    world: dict[str, Any]
    active_policy: dict[str, Any] | None
    bindings_by_state: dict[str, int]
    runs_by_status: dict[str, int]
    last_evaluation: datetime | None = None
    next_evaluation: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class AuditEntry(Document):
    sequence: int
    at: datetime
    actor: str
    action: str
    object_type: str
    object_id: str
    details: dict[str, Any]
    actor_label: str = ""
    request_id: str = ""
    previous_hash: str = ""
    hash: str = ""


@dataclass(frozen=True, kw_only=True)
class Event(Document):
    """A CloudEvent 1.0; `sequence` counts the events of its `source` without gaps."""

    id: str
    type: str
    source: str
    sequence: int
    data: dict[str, Any]
    time: datetime | None = None
    subject: str | None = None


@dataclass(frozen=True, kw_only=True)
class EventPage(Document):
    """`next`: ask `after` it for what comes later."""

    events: list[Event]
    next: int


# --- strategies and their runs --------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class StrategyRecord(Document):
    id: str
    name: str
    version: int
    owner: str = ""
    family: str = ""
    tags: list[str] = field(default_factory=list)
    side: str = "long"
    model_card: dict[str, Any] = field(default_factory=dict)
    code_hash: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    etag: str | None = None


@dataclass(frozen=True, kw_only=True)
class Binding(Document):
    world_id: str
    strategy_id: str
    state: str
    name: str = ""
    family: str = ""
    effective_mode: str = ""
    execution_domain: str = ""
    state_since: datetime | None = None
    consecutive_passes: int = 0
    consecutive_failures: int = 0
    latest: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Bindings(Document):
    items: list[Binding]


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


@dataclass(frozen=True, kw_only=True)
class PerformancePoint(Document):
    ts: datetime
    return_: float
    pnl: float | None = None
    equity: float | None = None
    trades: int | None = None
    mode: str = "paper"
    stay: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Accepted(Document):
    """How many of what was reported were new, and how many were known already."""

    accepted: int = 0
    duplicates: int = 0
    mode: str | None = None


@dataclass(frozen=True, kw_only=True)
class Fill(Document):
    """Quantities and prices as exact text, as they were reported."""

    fill_id: str
    order_id: str
    ts: datetime
    symbol: str
    side: str
    qty: Any
    price: Any
    fee: Any = None
    venue: str | None = None
    mode: str | None = None


# --- decisions ------------------------------------------------------------------------------------------------
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


# --- activation -----------------------------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class WorldMode(Document):
    """The decision envelope: in which mode a world's strategies may act now."""

    world_id: str
    effective_mode: str
    execution_domain: str
    reason: str = ""
    policy_version: int | None = None
    as_of: datetime | None = None
    ttl: int = 0
    etag: str = ""


@dataclass(frozen=True, kw_only=True)
class Activation(Document):
    """The activation envelope of one strategy: what its gate was told, every mask applied."""

    world_id: str
    strategy_id: str
    side: str
    active: bool
    weight: float
    freeze: bool
    drain: bool
    effective_mode: str
    execution_domain: str
    sequence: int
    epoch: tuple[int, ...]
    etag: str = ""
    run_id: str = ""
    ts: datetime | None = None
    phase: str | None = None
    requires_ack: bool = False
    position_policy: str | None = None
    policy_version: int | None = None
    decision_id: str | None = None
    actor: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Activations(Document):
    world_id: str
    items: list[Activation]


@dataclass(frozen=True, kw_only=True)
class StateHash(Document):
    world_id: str
    state_hash: str
    sequence: int


@dataclass(frozen=True, kw_only=True)
class Standing(Document):
    """A lease as it was given or renewed. `sequence`: of the world's newest event. `decision_seconds`: for how long its
    decision may be trusted (None: there is none). `gates`: the envelopes of the strategies held, as they are now."""

    lease_seconds: float
    sequence: int
    epoch: tuple[int, ...]
    decision_seconds: float | None = None
    gates: list[Activation] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Lease(Standing):
    """A lease on gates; the secret is told only here."""

    client_id: str
    lease_secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class GateClient(Document):
    client_id: str
    user: str = ""
    executor: str = ""
    strategies: list[dict[str, Any]] = field(default_factory=list)
    registered_at: datetime | None = None
    lease_until: datetime | None = None
    holds_lease: bool = False
    revoked_at: datetime | None = None
    revoked_reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Ack(Document):
    run_id: str
    client_id: str
    phase: str
    sequence: int


@dataclass(frozen=True, kw_only=True)
class Apply(Document):
    world_id: str
    run_id: str
    phase: str
    epoch: tuple[int, ...]
    plan: dict[str, list[str]] = field(default_factory=dict)
    decision_id: str | None = None
    requested_by: str = ""
    reason: str = ""
    outcome: str = ""
    created_at: datetime | None = None
    deadline: datetime | None = None
    settled_at: datetime | None = None
    freeze_sequence: int | None = None
    unfreeze_sequence: int | None = None
    acks: list[dict[str, Any]] = field(default_factory=list)
    waiting_for: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Edge(Document):
    src_node: str
    dst_node: str
    active: bool
    reason: str = ""
    changed_by: str = ""
    changed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Edges(Document):
    items: list[Edge]


@dataclass(frozen=True, kw_only=True)
class CommandAnswer(Document):
    """Of a manual command: done, applying (`run_id` is the apply's), or queued while the world is paused."""

    world_id: str
    strategy_id: str
    command: str
    status: str
    state: str = ""
    run_id: str | None = None
    warning: str = ""


# --- allocation and rebalancing -------------------------------------------------------------------------------
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
