"""Plans, allocations, executions."""

from __future__ import annotations

from rebalancing.models.allocations import Allocation, AllocationRecord, PositionSnapshot
from rebalancing.models.execution import Execution, ExecutionWorld, Order
from rebalancing.models.plans import PlanRecord, PlanWorld, Proposal

__all__ = [
    "Allocation",
    "AllocationRecord",
    "Execution",
    "ExecutionWorld",
    "Order",
    "PlanRecord",
    "PlanWorld",
    "PositionSnapshot",
    "Proposal",
]
