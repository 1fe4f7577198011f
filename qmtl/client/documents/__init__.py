"""What the service answers, as the spec names it (03, 04, 06, 07): a module per subject."""

from qmtl.client.documents.activation import (
    Ack,
    Activation,
    Activations,
    Apply,
    CommandAnswer,
    Edge,
    Edges,
    GateClient,
    Lease,
    Standing,
    StateHash,
    WorldMode,
)
from qmtl.client.documents.decisions import Candidate, Decision, DecisionSummary, Promotion
from qmtl.client.documents.ledger import AuditEntry, Event, EventPage
from qmtl.client.documents.rebalancing import Allocations, RebalancePlan
from qmtl.client.documents.reports import LiveReport, LiveSummary, ValidationReport
from qmtl.client.documents.runs import (
    AcceptedRun,
    Metrics,
    Run,
    Snapshot,
    SnapshotSummary,
    Summary,
    Violation,
)
from qmtl.client.documents.service import Health, RoleHolder, Roles, Token
from qmtl.client.documents.strategies import (
    Accepted,
    Binding,
    Bindings,
    Fill,
    PerformancePoint,
    StrategyRecord,
)
from qmtl.client.documents.worlds import DataPreset, Description, Policy, World

__all__ = [
    "Accepted",
    "AcceptedRun",
    "Ack",
    "Activation",
    "Activations",
    "Allocations",
    "Apply",
    "AuditEntry",
    "Binding",
    "Bindings",
    "Candidate",
    "CommandAnswer",
    "DataPreset",
    "Decision",
    "DecisionSummary",
    "Description",
    "Edge",
    "Edges",
    "Event",
    "EventPage",
    "Fill",
    "GateClient",
    "Health",
    "Lease",
    "LiveReport",
    "LiveSummary",
    "Metrics",
    "PerformancePoint",
    "Policy",
    "Promotion",
    "RebalancePlan",
    "RoleHolder",
    "Roles",
    "Run",
    "Snapshot",
    "SnapshotSummary",
    "Standing",
    "StateHash",
    "StrategyRecord",
    "Summary",
    "Token",
    "ValidationReport",
    "Violation",
    "World",
    "WorldMode",
]
