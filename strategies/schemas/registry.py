"""Shapes of the strategies' API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, Strict

from qmtl_site.http.identifiers import Identifier
from strategies.domain.reports import PerformanceRecord
from worlds.domain.series import MAX_POINTS

Tag = Annotated[str, Strict(), Field(min_length=1, max_length=64)]
Hash = Annotated[str, Strict(), Field(max_length=128)]
State = Literal["submitted", "validating", "rejected", "dry_run", "live", "inactive", "archived"]


class StrategyFields(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Strict(), Field(min_length=1, max_length=200)] | None = None
    version: Annotated[int, Strict(), Field(ge=1, le=1_000_000)] | None = None
    family: Annotated[str, Strict(), Field(max_length=128)] | None = None
    tags: list[Tag] | None = Field(default=None, max_length=50)
    side: Literal["long", "short", "both"] | None = None
    model_card: dict[str, Any] | None = None
    code_hash: Hash | None = None


class StrategyCreate(StrategyFields):
    id: Identifier


class StrategyPatch(StrategyFields):
    pass


class Bind(BaseModel):
    model_config = ConfigDict(extra="forbid")

    strategies: list[Identifier] = Field(min_length=1, max_length=1000)


class StrategyDocument(BaseModel):
    id: str
    name: str
    version: int
    family: str
    owner: str
    tags: list[str]
    side: Literal["long", "short", "both"]
    model_card: dict[str, Any]
    code_hash: str
    created_at: datetime
    updated_at: datetime


class StrategyPage(BaseModel):
    items: list[StrategyDocument]
    next_cursor: str | None


class Figures(BaseModel):
    run_id: str
    stage: str
    verdict: str
    recommended_stage: str
    evaluated_at: datetime
    figures: dict[str, Any]


class BindingDocument(BaseModel):
    world_id: str
    strategy_id: str
    name: str
    family: str
    state: State
    state_since: datetime
    effective_mode: str
    execution_domain: str
    consecutive_passes: int
    consecutive_failures: int
    created_at: datetime
    latest: Figures | None


class BindingPage(BaseModel):
    items: list[BindingDocument]
    next_cursor: str | None


class Bound(BaseModel):
    items: list[BindingDocument]


# The first bad record is told, not a million of them.
Batch = Annotated[list[PerformanceRecord], Field(min_length=1, max_length=MAX_POINTS, fail_fast=True)]


class PerformanceList(RootModel[Batch]):
    """The records alone."""


class PerformanceReport(BaseModel):
    model_config = ConfigDict(extra="forbid")

    records: Batch
    mode: Literal["paper", "live"] | None = Field(
        default=None,
        description="Of the account that earned it, by default the strategy's own. What is earned when a stay has "
        "ended, or is told late, belongs to the newest stay in that mode.",
    )


class PerformanceBody(RootModel[PerformanceList | PerformanceReport]):
    """What may be posted, as the published schema says it."""


class PerformanceAccepted(BaseModel):
    accepted: int = Field(description="Records that are new.")
    duplicates: int = Field(description="Records that were known already, or stood in the batch before.")
    mode: Literal["paper", "live"]


class PerformanceItem(BaseModel):
    ts: datetime
    return_: float = Field(alias="return")
    pnl: float | None
    equity: float | None
    trades: int | None
    mode: Literal["paper", "live"]
    stay: datetime = Field(description="Since when the strategy was in the state in which it reported this.")


class PerformancePage(BaseModel):
    items: list[PerformanceItem]
    next_cursor: str | None
