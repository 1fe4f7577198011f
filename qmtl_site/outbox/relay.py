"""The relay: brings committed events to the `after` handlers, at least once, in order per stream."""

from __future__ import annotations

import orjson
import structlog
from django.db import InterfaceError, OperationalError, connection, transaction

from qmtl_site.outbox import events
from qmtl_site.outbox.models import DeliveryCursor, OutboxEvent

CONSUMER = "handlers"
BATCH = 500

log = structlog.get_logger(__name__)

BEHIND = """
    SELECT l.stream FROM ledger_ledger l
    LEFT JOIN outbox_deliverycursor c ON c.stream = l.stream AND c.consumer = %s
    WHERE l.event_sequence > COALESCE(c.sequence, 0) ORDER BY l.stream
"""


def streams_behind() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(BEHIND, [CONSUMER])
        return [stream for (stream,) in cursor.fetchall()]


def relay_all() -> int:
    """Handle what is committed and not yet handled; the number of events handled."""
    return sum(relay_stream(stream) for stream in streams_behind())


@transaction.atomic
def relay_stream(stream: str) -> int:
    """Handle one batch of a stream. Two relays cannot work on the same stream: the cursor row is the lock."""
    DeliveryCursor.objects.bulk_create(
        [DeliveryCursor(consumer=CONSUMER, stream=stream)], ignore_conflicts=True
    )
    cursor = (
        DeliveryCursor.objects.select_for_update(no_key=True, skip_locked=True)
        .filter(consumer=CONSUMER, stream=stream)
        .first()
    )
    if cursor is None:
        return 0
    before, end = cursor.sequence, min(cursor.sequence + BATCH, events.head(stream))
    batch = OutboxEvent.objects.filter(stream=stream, sequence__gt=before, sequence__lte=end)
    for event in batch.filter(type__in=events.handled_types()).order_by("sequence"):
        deliver(event)
    if end > before:
        cursor.sequence = end
        cursor.save(update_fields=["sequence"])
    return max(end - before, 0)


def deliver(event: OutboxEvent) -> None:
    document = orjson.loads(event.document)
    for handler in events.handlers_of(event.type):
        try:
            if handler.is_meant(document["data"]):
                with transaction.atomic():  # what a handler leaves half done, or aborted, is not the relay's
                    handler.handle(document)
        except (OperationalError, InterfaceError):
            raise  # the database's trouble, not this event's: the batch comes again
        except Exception:
            # A handler only starts follow-up work that the driver also finds by itself (`reap`), so one bad
            # event must not stop the world's later ones.
            log.exception("event.handler_failed", event_type=event.type, world_id=event.stream)
