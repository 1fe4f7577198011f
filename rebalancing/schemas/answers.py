"""What rebalancing answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field


class Delta(BaseModel):
    symbol: str
    venue: str | None
    delta_qty: float = Field(description="To buy, or negative to sell; exact, with all its digits.")
    notional: float = Field(description="delta_qty x mark, to 1e-8.")


class OverlayDelta(Delta):
    world_id: str


class Part(BaseModel):
    symbol: str
    venue: str | None
    world_id: str
    strategy_id: str
    delta_qty: float


class ResidualRow(BaseModel):
    world_id: str | None = Field(description="null: of the shared account.")
    symbol: str
    venue: str | None
    qty: float = Field(description="What stays of a position that was to be closed.")
    reason: Literal["lot", "min_trade_notional"]


class WorldPlan(BaseModel):
    world_id: str
    scale_world: float
    scale_by_strategy: dict[str, float]
    deltas: list[Delta]


class Cost(BaseModel):
    gross_turnover: float
    world_turnover: float
    account_turnover: float
    order_turnover: float
    netting_savings: float
    cost: float


class AlphaMetrics(BaseModel):
    per_world: dict[str, dict[str, float]]
    per_strategy: dict[str, dict[str, dict[str, float]]]


class IntentAnswer(BaseModel):
    meta: dict[str, Any]


class PlanDocument(BaseModel):
    """Version 1 has neither `alpha_metrics` nor `rebalance_intent`; `overlay_deltas` and `attribution` only where
    the mode, or the shared account, has them."""

    schema_version: int
    rebalance_schema_version: int
    alpha_metrics_capable: bool
    mode: Literal["scaling", "overlay", "hybrid"]
    shared_account: bool
    per_world: dict[str, WorldPlan]
    global_deltas: list[Delta]
    overlay_deltas: list[OverlayDelta] | None = None
    attribution: list[Part] | None = None
    residuals: list[ResidualRow]
    cost_estimate: Cost
    alpha_metrics: AlphaMetrics | None = None
    rebalance_intent: IntentAnswer | None = None


class PlanRecordDocument(PlanDocument):
    run_id: str
    created_at: datetime
    created_by: str


class OrderPart(BaseModel):
    world_id: str
    strategy_id: str
    delta_qty: float


class OrderDocument(BaseModel):
    order_id: str
    world_id: str | None = Field(description="null: of the shared account.")
    worlds: list[str] = Field(description="That have a part in it; not there in events.")
    mode: Literal["paper", "live"]
    purpose: Literal["reduce", "open", "cross"] = Field(
        description="`cross`: strategies trade with each other, and nobody else does."
    )
    symbol: str
    venue: str | None
    side: Literal["buy", "sell"]
    qty: float
    reduce_only: bool
    status: Literal["new", "refused", "handed", "filled", "rejected", "cancelling", "cancelled"]
    reason: str
    code: str | None = Field(description="Of a refusal.")
    filled_qty: float
    average_price: float | None
    fee: float
    executor: str
    parts: list[OrderPart]


class Deviation(BaseModel):
    """Where positions are not what the plan wants. `expected` and `actual` in units."""

    world_id: str
    strategy_id: str
    symbol: str
    venue: str | None
    expected: float
    actual: float
    difference: float


class Reconciliation(BaseModel):
    meets_plan: bool
    differences: list[Deviation]
    unreported: list[str] = Field(
        default=[],
        description="Only where there are any: worlds that the plan changes, and of which it was told no positions. "
        "Nothing of them is traded, and `differences` has what they hold by their fills.",
    )
    is_whole: bool = Field(default=True, description="false, and only then there: these are the first ones.")


class ExecutionDocument(PlanDocument):
    """Of more than 1,000 orders the first ones, with `order_counts` by status and where the `next_orders` are."""

    run_id: str
    dry_run: bool
    status: Literal["planned", "running", "cancelling", "completed", "cancelled", "withdrawn"]
    orders: list[OrderDocument]
    order_counts: dict[str, int] | None = None
    next_orders: str | None = None
    reconciliation: Reconciliation


class AllocationDocument(BaseModel):
    allocation: float
    strategy_alloc_total: dict[str, float]
    total_equity: float
    run_id: str
    etag: str
    updated_at: datetime
    stale: bool


class AllocationList(BaseModel):
    allocations: dict[str, AllocationDocument]


class AllocationUpserted(AllocationList):
    run_id: str
    etag: str
    execution: ExecutionDocument | None = None


class AllocatorDocument(BaseModel):
    """Weights are fractions of the world's capital; `volatility` annualised; `turnover` and `cost` in currency."""

    method: str
    method_used: str
    reason: str | None
    weights: dict[str, float]
    volatility: float | None
    contributions: dict[str, float] = Field(description="Shares of the portfolio's variance.")
    turnover: float
    cost: float


class AllocatorList(BaseModel):
    world_id: str
    allocation: float | None = Field(description="The world's fraction of equity; null: not known.")
    strategies: list[str]
    current: dict[str, float]
    policy_method: str | None
    proposals: list[AllocatorDocument]
