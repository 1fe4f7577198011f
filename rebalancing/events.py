"""What happened to plans: the answer as it was negotiated, narrowed to the world that it is told in."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from qmtl_site.outbox.events import Event


@dataclass(frozen=True, kw_only=True)
class PlanEvent(Event):
    """A member that is None is not there: version 1 has no `alpha_metrics` and no `rebalance_intent`."""

    type: ClassVar[str] = ""
    world_id: str
    run_id: str
    schema_version: int
    rebalance_schema_version: int
    alpha_metrics_capable: bool
    mode: str
    shared_account: bool
    per_world: dict[str, Any]
    global_deltas: list[dict[str, Any]]
    residuals: list[dict[str, Any]]
    cost_estimate: dict[str, Any]
    overlay_deltas: list[dict[str, Any]] | None = None
    attribution: list[dict[str, Any]] | None = None
    alpha_metrics: dict[str, Any] | None = None
    rebalance_intent: dict[str, Any] | None = None

    @property
    def subject(self) -> str:
        return self.run_id

    def data(self) -> dict[str, Any]:
        return {name: value for name, value in super().data().items() if value is not None}

    @classmethod
    def data_schema(cls) -> dict[str, Any]:
        schema = super().data_schema()
        optional = {field.name for field in fields(cls) if field.default is None}
        return {**schema, "required": [name for name in schema["required"] if name not in optional]}


@dataclass(frozen=True, kw_only=True)
class RebalancingPlanned(PlanEvent):
    """A plan was approved; `origin`: `request`, or what it follows from (`promotion`: it waits for a person)."""

    type: ClassVar[str] = "rebalancing.planned"
    origin: str = "request"


@dataclass(frozen=True, kw_only=True)
class RebalancingApplied(PlanEvent):
    """A plan is being executed: `status` is `running` while orders are with a runner, then `completed`; or
    `cancelling` while a runner takes orders back, then `cancelled`. A runner that
    is the `executor` of an order with the status `handed` trades it and reports its fills under its `order_id`."""

    type: ClassVar[str] = "rebalancing.applied"
    status: str
    orders: list[dict[str, Any]]
