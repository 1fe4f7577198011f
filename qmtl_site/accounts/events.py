from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qmtl_site.outbox.events import Event


@dataclass(frozen=True, kw_only=True)
class TokenIssued(Event):
    type: ClassVar[str] = "token.issued"
    user: str
    token_key: str


@dataclass(frozen=True, kw_only=True)
class TokenRevoked(Event):
    type: ClassVar[str] = "token.revoked"
    user: str
    token_key: str


@dataclass(frozen=True, kw_only=True)
class RoleChanged(Event):
    type: ClassVar[str] = "role.changed"
    user: str
    role: str
    granted: bool
