"""Shapes of rebalancing: what is taken and what is answered."""

from __future__ import annotations

from rebalancing.schemas.answers import (
    AllocationList,
    AllocationUpserted,
    AllocatorList,
    ExecutionDocument,
    PlanDocument,
    PlanRecordDocument,
)
from rebalancing.schemas.plans import Allocate, ApplyPlan, Execute, PlanRequest
from rebalancing.schemas.reading import terms_of

__all__ = [
    "Allocate",
    "AllocationList",
    "AllocationUpserted",
    "AllocatorList",
    "ApplyPlan",
    "Execute",
    "ExecutionDocument",
    "PlanDocument",
    "PlanRecordDocument",
    "PlanRequest",
    "terms_of",
]
