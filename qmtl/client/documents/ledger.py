"""What happened: events, and who did what. Keys that are not listed stand in `raw`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from qmtl.client.decoding import Document


@dataclass(frozen=True, kw_only=True)
class AuditEntry(Document):
    sequence: int
    at: datetime
    actor: str
    action: str
    object_type: str
    object_id: str
    details: dict[str, Any]
    actor_label: str = ""
    request_id: str = ""
    previous_hash: str = ""
    hash: str = ""


@dataclass(frozen=True, kw_only=True)
class Event(Document):
    """A CloudEvent 1.0; `sequence` counts the events of its `source` without gaps."""

    id: str
    type: str
    source: str
    sequence: int
    data: dict[str, Any]
    time: datetime | None = None
    subject: str | None = None


@dataclass(frozen=True, kw_only=True)
class EventPage(Document):
    """`next`: ask `after` it for what comes later."""

    events: list[Event]
    next: int
