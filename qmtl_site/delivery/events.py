from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from qmtl_site.outbox.events import Event


@dataclass(frozen=True, kw_only=True)
class SubscriptionUpdated(Event):
    """Who is told of events was changed; `act` says how: created, paused, resumed, removed, secret_changed, or
    replayed (`count` dead letters are tried again)."""

    type: ClassVar[str] = "subscription.updated"
    subscription_id: int
    name: str
    kind: str
    act: str
    reason: str
    count: int = 0
