"""Strategies, their bindings, and what they report. Keys that are not listed stand in `raw`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from qmtl.client.decoding import Document


@dataclass(frozen=True, kw_only=True)
class StrategyRecord(Document):
    id: str
    name: str
    version: int
    owner: str = ""
    family: str = ""
    tags: list[str] = field(default_factory=list)
    side: str = "long"
    model_card: dict[str, Any] = field(default_factory=dict)
    code_hash: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    etag: str | None = None


@dataclass(frozen=True, kw_only=True)
class Binding(Document):
    world_id: str
    strategy_id: str
    state: str
    name: str = ""
    family: str = ""
    effective_mode: str = ""
    execution_domain: str = ""
    state_since: datetime | None = None
    consecutive_passes: int = 0
    consecutive_failures: int = 0
    latest: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Bindings(Document):
    items: list[Binding]


@dataclass(frozen=True, kw_only=True)
class PerformancePoint(Document):
    ts: datetime
    return_: float
    pnl: float | None = None
    equity: float | None = None
    trades: int | None = None
    mode: str = "paper"
    stay: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Accepted(Document):
    """How many of what was reported were new, and how many were known already."""

    accepted: int = 0
    duplicates: int = 0
    mode: str | None = None


@dataclass(frozen=True, kw_only=True)
class Fill(Document):
    """Quantities and prices as exact text, as they were reported."""

    fill_id: str
    order_id: str
    ts: datetime
    symbol: str
    side: str
    qty: Any
    price: Any
    fee: Any = None
    venue: str | None = None
    mode: str | None = None
