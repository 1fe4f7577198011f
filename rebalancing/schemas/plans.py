"""What a plan is asked for with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    Strict,
    WithJsonSchema,
    WrapValidator,
)

from qmtl_site.http.identifiers import RunIdentifier
from rebalancing.domain.book import Positions
from rebalancing.schemas.columns import LABEL, MOST_POSITIONS, NAME, columns, columns_of
from rebalancing.schemas.maps import as_fractions, as_lots
from rebalancing.schemas.numbers import Exact, Lot, Mark, Positive, Quantity, Threshold

Name = Annotated[str, Strict(), Field(min_length=1, max_length=NAME, pattern=r"^[^\x00-\x1f]+$")]
Label = Annotated[str, Strict(), Field(min_length=1, max_length=LABEL, pattern=r"^[^\x00-\x1f]+$")]
Reason = Annotated[str, Strict(), Field(min_length=3, max_length=2000, description="Why; kept in the audit.")]


def read_etags(value: Any) -> str | dict[str, str]:
    texts = [value] if not isinstance(value, dict) else [*value, *value.values()]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("must be an etag, or an etag for each world")
    return value  # type: ignore[no-any-return]


ETAGS = {"anyOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}]}
Etags = Annotated[str | dict[str, str], PlainValidator(read_etags), WithJsonSchema(ETAGS)]


MOST_VERSION = 1_000_000


def read_version(value: Any) -> int:
    """Of a whole number beyond 64 bits the reader of JSON has made a float."""
    if type(value) is not int or not 1 <= value <= MOST_VERSION:
        raise ValueError(f"must be a whole number from 1 to {MOST_VERSION:,}")
    return value


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class Position(Shape):
    """`qty` in units, negative where short; `mark` the price of one unit, in currency."""

    world_id: Name
    strategy_id: Name
    symbol: Label
    qty: Quantity
    mark: Mark
    venue: Label | None = None


def as_columns(value: Any, validate: Callable[[Any], list[Position]]) -> Positions:
    """Good positions at once, as columns; where one is not good, each by itself, to tell which."""
    return columns(value) or columns_of(validate(value))


PositionList = Annotated[list[Position], Field(max_length=MOST_POSITIONS), WrapValidator(as_columns)]
Fractions = Annotated[dict[Name, Exact], WrapValidator(as_fractions)]
SchemaVersion = Annotated[
    int,
    PlainValidator(read_version),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MOST_VERSION}),
]
StrategyFractions = dict[Name, Fractions]


class OverlayFields(Shape):
    instrument_by_world: dict[Name, Label] = Field(default_factory=dict)
    price_by_symbol: dict[Label, Positive] = Field(default_factory=dict)
    min_order_notional: Threshold = Field(default=0, validate_default=True)


class HybridFields(Shape):
    scale_min_notional: Threshold = Field(default=0, validate_default=True)
    cost_bps: dict[Label, Threshold] = Field(default_factory=dict)
    default_cost_bps: Threshold = Field(default=0, validate_default=True)


class Intent(Shape):
    meta: dict[str, Any] = Field(default_factory=dict, description="Echoed by version 2.")


class PlanInput(Shape):
    """Fractions are of `total_equity`; every number may also be a decimal as text."""

    total_equity: Positive
    world_alloc_before: Fractions
    world_alloc_after: Fractions
    positions: PositionList
    strategy_alloc_before_total: StrategyFractions | None = None
    strategy_alloc_after_total: StrategyFractions | None = None
    min_trade_notional: Threshold = Field(default=0, validate_default=True)
    lot_size_by_symbol: Annotated[dict[Label, Lot], WrapValidator(as_lots)] = Field(default_factory=dict)
    mode: Literal["scaling", "overlay", "hybrid"] = "scaling"
    overlay: OverlayFields = Field(default_factory=OverlayFields)
    hybrid: HybridFields = Field(default_factory=HybridFields)
    schema_version: SchemaVersion = 1
    rebalance_intent: Intent = Field(default_factory=Intent)
    shared_account: Annotated[bool, Strict()] = False


class PlanRequest(PlanInput):
    pass


class ApplyPlan(PlanInput):
    run_id: RunIdentifier
    etag: Etags | None = Field(
        default=None,
        description="Of the allocations that it starts from: refused (412) if they have changed.",
    )
    reason: Reason | None = None


class Execute(Shape):
    run_id: RunIdentifier
    dry_run: Annotated[bool, Strict()] = False
    reason: Reason | None = None


class Allocate(Shape):
    run_id: RunIdentifier
    total_equity: Positive
    world_allocations: Annotated[Fractions, Field(min_length=1)]
    positions: PositionList
    strategy_alloc_after_total: StrategyFractions | None = None
    execute: Annotated[bool, Strict()] = False
    schema_version: SchemaVersion | None = Field(
        default=None, description="Of the execution in the answer; by default 1, or 2 where that is demanded."
    )
    etag: Etags | None = Field(
        default=None, description="Of the allocations that it replaces: refused (412) if they have changed."
    )
    reason: Reason | None = None
