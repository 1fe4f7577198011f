"""The service itself, and access to it. Keys that are not listed stand in `raw`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from qmtl.client.decoding import Document


@dataclass(frozen=True, kw_only=True)
class Health(Document):
    status: str
    version: str = ""
    rebalance_schema_version: int = 1
    alpha_metrics_capable: bool = False
    compute_context_contract: str = ""
    stream_url: str = ""
    dependencies: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Token(Document):
    user: str
    token: str = field(repr=False)
    token_key: str
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class RoleHolder(Document):
    user: str
    roles: list[str]


@dataclass(frozen=True, kw_only=True)
class Roles(Document):
    items: list[RoleHolder]
