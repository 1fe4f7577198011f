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
from rebalancing.schemas.executions import AllocationQuery, Cancel, OrderPage, OrderQuery
from rebalancing.schemas.plans import Allocate, ApplyPlan, Execute, PlanRequest
from rebalancing.schemas.reading import terms_of
from rebalancing.schemas.words import OrderWords, WordsTaken

__all__ = [
    "Allocate",
    "AllocationList",
    "AllocationQuery",
    "AllocationUpserted",
    "AllocatorList",
    "ApplyPlan",
    "Cancel",
    "Execute",
    "ExecutionDocument",
    "OrderPage",
    "OrderQuery",
    "OrderWords",
    "PlanDocument",
    "PlanRecordDocument",
    "PlanRequest",
    "WordsTaken",
    "terms_of",
]
