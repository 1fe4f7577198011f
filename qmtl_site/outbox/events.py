"""Events: frozen, past tense, with ids and facts; emitted inside the transaction of the change.

A CloudEvents 1.0 envelope carries each (https://cloudevents.io), with `sequence` as an extension attribute.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, TypeVar

import orjson
from django.utils import timezone
from pydantic import TypeAdapter

from qmtl_site.database import native_cursor
from qmtl_site.ledger.models import SYSTEM_STREAM, Ledger, append
from qmtl_site.ledger.transactions import Staged, stage
from qmtl_site.outbox.models import OutboxEvent

CHANNEL = "qmtl_outbox"


@dataclass(frozen=True, kw_only=True)
class Event:
    """Base of all events; a subclass names its type and its facts. `world_id` None: the `_system` stream."""

    type: ClassVar[str]
    world_id: str | None

    @property
    def subject(self) -> str:
        return ""

    def data(self) -> dict[str, Any]:
        """Its facts by name; what is nested in them is written as it is."""
        return dict(vars(self))

    @classmethod
    def data_schema(cls) -> dict[str, Any]:
        """JSON Schema of `data()`: the fields by their types. Who overrides the one overrides the other."""
        schema = TypeAdapter(cls).json_schema(mode="serialization", ref_template="#/$defs/{model}")
        return {**schema, "required": [field.name for field in dataclasses.fields(cls)]}


E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class After:
    """A handler of committed events, and in which state: None, for all of its type."""

    handle: Callable[[dict[str, Any]], None]
    when: Callable[[dict[str, Any]], bool] | None = None

    def is_meant(self, data: dict[str, Any]) -> bool:
        return self.when is None or self.when(data)


_inside: dict[type[Event], list[Callable[[Any], None]]] = {}
_after: dict[str, list[After]] = {}


def inside(kind: type[E]) -> Callable[[Callable[[E], None]], Callable[[E], None]]:
    """Subscribe in the same transaction: may refuse or close, never open."""

    def subscribe(handler: Callable[[E], None]) -> Callable[[E], None]:
        _inside.setdefault(kind, []).append(handler)
        return handler

    return subscribe


def after(
    kind: type[E], when: Callable[[dict[str, Any]], bool] | None = None
) -> Callable[[Callable[[dict[str, Any]], None]], Callable[[dict[str, Any]], None]]:
    """Subscribe after commit: called by the relay with the CloudEvent, at least once, in order per world.

    `when`: of which facts (`data`) the handler wants to hear; a call costs the relay a transaction.
    """

    def subscribe(handler: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
        _after.setdefault(kind.type, []).append(After(handler, when))
        return handler

    return subscribe


def handlers_of(event_type: str) -> Sequence[After]:
    return _after.get(event_type, ())


def handled_types() -> list[str]:
    return sorted(_after)


def emit(event: Event) -> None:
    """Stage the event for the outbox and call its inside subscribers."""
    moment = timezone.now()
    stage(Staged(stream=event.world_id or SYSTEM_STREAM, payload=(moment, event), write=write_events))
    for handler in _inside.get(type(event), ()):
        handler(event)


def write_events(head: Ledger, staged: Sequence[tuple[datetime, Event]]) -> None:
    rows = [
        row_of(head.stream, head.event_sequence + n, moment, event)
        for n, (moment, event) in enumerate(staged, 1)
    ]
    append(rows)
    head.event_sequence += len(rows)
    with native_cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, head.stream])


def row_of(stream: str, sequence: int, moment: datetime, event: Event) -> OutboxEvent:
    event_id = uuid.uuid4()
    envelope = {
        "specversion": "1.0",
        "id": str(event_id),
        "source": f"/worlds/{stream}" if event.world_id else "/",
        "type": event.type,
        "subject": event.subject,
        "time": moment,
        "datacontenttype": "application/json",
        "sequence": sequence,
        "data": event.data(),
    }
    if not event.subject:
        del envelope["subject"]
    return OutboxEvent(
        stream=stream,
        sequence=sequence,
        event_id=event_id,
        type=event.type,
        subject=event.subject,
        time=moment,
        document=orjson.dumps(envelope, option=orjson.OPT_UTC_Z).decode(),
    )


def read(stream: str, *, after: int, limit: int) -> tuple[list[bytes], int]:
    """Events of a stream after a sequence, as stored JSON, and the sequence to ask for next."""
    rows = list(
        OutboxEvent.objects.filter(stream=stream, sequence__gt=after)
        .order_by("sequence")
        .values_list("sequence", "document")[:limit]
    )
    return [document.encode() for _, document in rows], rows[-1][0] if rows else after


def page_of(documents: Sequence[bytes], following: int) -> bytes:
    """The page as it is answered: the stored texts, put together."""
    return b'{"events":[' + b",".join(documents) + b'],"next":%d}' % following


def head(stream: str) -> int:
    return Ledger.objects.filter(stream=stream).values_list("event_sequence", flat=True).first() or 0
