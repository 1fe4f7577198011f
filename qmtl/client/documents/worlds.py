"""Worlds, their data and their policies. Keys that are not listed stand in `raw`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from qmtl.client.decoding import Document


@dataclass(frozen=True, kw_only=True)
class DataPreset(Document):
    """Where a world's strategies get their data: `source` is csv, parquet, ccxt or package-dataset."""

    id: str
    source: str
    symbols: list[str] = field(default_factory=list)
    interval: str = "1d"
    window: str | None = None
    max_lag: str | None = None
    dataset_fingerprint: str | None = None


@dataclass(frozen=True, kw_only=True)
class World(Document):
    id: str
    name: str
    state: str
    owner: str = ""
    description: str = ""
    labels: list[str] = field(default_factory=list)
    state_since: datetime | None = None
    allow_live: bool = False
    circuit_breaker: bool = False
    periods_per_year: float = 252.0
    risk_free_rate: float = 0.0
    reference_capital: float = 0.0
    reference_currency: str = "USD"
    benchmark: dict[str, Any] | None = None
    data_presets: list[DataPreset] = field(default_factory=list)
    active_policy_version: int | None = None
    last_evaluation_at: datetime | None = None
    next_evaluation_at: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    etag: str | None = None


@dataclass(frozen=True, kw_only=True)
class Policy(Document):
    """`source` and `document` come only with one that is asked for by its version."""

    world_id: str
    version: int
    state: str
    checksum: str
    ruleset_hash: str
    created_at: datetime
    created_by: str | None = None
    activated_at: datetime | None = None
    media: str | None = None
    source: str | None = None
    document: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Description(Document):
    world: dict[str, Any]
    active_policy: dict[str, Any] | None
    bindings_by_state: dict[str, int]
    runs_by_status: dict[str, int]
    last_evaluation: datetime | None = None
    next_evaluation: datetime | None = None
