"""What is asked of executions, and their orders in pages."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict

from qmtl_site.http.identifiers import Identifier, RunIdentifier
from qmtl_site.http.pagination import DEFAULT_LIMIT, MAX_LIMIT
from rebalancing.schemas.answers import OrderDocument
from rebalancing.schemas.plans import Reason, Shape


class Cancel(Shape):
    run_id: RunIdentifier
    reason: Reason
    abandon: Annotated[bool, Strict()] = Field(
        default=False, description="No runner has its orders any more: somebody has looked, and says so."
    )


class OrderQuery(BaseModel):
    """`cursor`: the place of the last order that was seen."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)
    cursor: int = Field(default=-1, ge=0, le=2**31 - 1, validate_default=False)
    status: Literal["new", "refused", "handed", "filled", "rejected", "cancelling", "cancelled"] | None = None


class AllocationQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    world_id: Identifier | None = None


class OrderPage(BaseModel):
    items: list[OrderDocument]
    next_cursor: str | None
