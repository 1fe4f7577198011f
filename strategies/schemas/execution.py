"""Shapes of nodes and fills."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

from qmtl.contracts.fills import MOST_FILLS
from qmtl.contracts.nodes import MOST_NODES
from strategies.domain.fills import FillRecord
from strategies.domain.nodes import NodeReport

# The first bad record is told, not ten thousand of them.
Batch = Annotated[list[FillRecord], Field(min_length=1, max_length=MOST_FILLS, fail_fast=True)]


class FillList(RootModel[Batch]):
    """The records alone."""


class FillReport(BaseModel):
    model_config = ConfigDict(extra="forbid")

    records: Batch


class FillBody(RootModel[FillList | FillReport]):
    """What may be posted, as the published schema says it."""


class FillsAccepted(BaseModel):
    accepted: int = Field(description="Fills that are new.")
    duplicates: int = Field(description="Fills that were known already, or stood in the batch before.")


class FillDocument(BaseModel):
    fill_id: str
    order_id: str
    ts: datetime
    symbol: str
    venue: str | None
    side: Literal["buy", "sell"]
    qty: str = Field(description="Exact decimal, as text.")
    price: str = Field(description="Exact decimal, as text.")
    fee: str = Field(description="Exact decimal, as text, in the quote currency; negative is a rebate.")
    mode: Literal["paper", "live"]
    reported_by: str
    reported_at: datetime


class FillPage(BaseModel):
    items: list[FillDocument]
    next_cursor: str | None


class NodesReport(BaseModel):
    model_config = ConfigDict(extra="forbid")

    nodes: list[NodeReport] = Field(min_length=1, max_length=MOST_NODES)

    @model_validator(mode="after")
    def names_each_once(self) -> NodesReport:
        names = [report.node for report in self.nodes]
        if len(set(names)) < len(names):
            raise ValueError("a node stands there twice")
        return self


class NodeDocument(BaseModel):
    node: str
    state: Literal["initialized", "pre_warmup", "active", "completed", "error"]
    state_since: datetime
    period: int | None = Field(description="Bars that it needs before it is active.")
    received: int = Field(description="How many of them have arrived.")
    error: str | None
    reported_at: datetime


class NodesDocument(BaseModel):
    world_id: str
    strategy_id: str
    nodes: list[NodeDocument]


class CredentialsDocument(BaseModel):
    """What a lease holder needs to reach the exchange; not to be kept on disk."""

    world_id: str
    kind: Literal["ccxt"]
    exchange: str
    sandbox: bool
    options: dict[str, Any]
    credentials: dict[str, str]
    fingerprint: str
