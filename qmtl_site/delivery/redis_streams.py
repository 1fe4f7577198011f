"""Redis Streams: every event, in one stream per group of types, trimmed; consumers read them in groups.

What Redis has lost (a flush, a restart without its last seconds, a failover) is published again: with the entries
goes a note of how far each world is published, and nothing is added after a note that is behind our own cursor.
Worlds in which nothing happens are compared now and then. Consumers know a repeated event by its id.
"""

from __future__ import annotations

from functools import cache

import redis
import structlog
from django.conf import settings
from django.db import connection, transaction
from redis.backoff import NoBackoff
from redis.retry import Retry

from qmtl_site.delivery.lanes import count
from qmtl_site.outbox.models import DeliveryCursor, OutboxEvent

log = structlog.get_logger(__name__)

CONSUMER = "redis"
TOPIC = "qmtl:events:{group}"
PUBLISHED = "qmtl:events:published"
BATCH = 500
SECONDS = 3.0

DUE = """
    SELECT l.stream, l.event_sequence FROM ledger_ledger l
    LEFT JOIN outbox_deliverycursor c ON c.consumer = 'redis' AND c.stream = l.stream
    WHERE l.event_sequence > COALESCE(c.sequence, 0) ORDER BY l.stream
"""
# All entries and the note, or, where the note is behind what we published, nothing but its number.
PUBLISH = """
    local known = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0')
    if known < tonumber(ARGV[2]) then return known end
    local at = 5
    for i = 2, #KEYS do
        redis.call('XADD', KEYS[i], 'MAXLEN', '~', ARGV[3], '*', 'id', ARGV[at], 'type', ARGV[at + 1],
                   'world', ARGV[1], 'sequence', ARGV[at + 2], 'event', ARGV[at + 3])
        at = at + 4
    end
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[4])
    return -1
"""
DONE = -1

REWIND = """
    UPDATE outbox_deliverycursor c SET sequence = GREATEST(w.published, l.event_sequence - %s, 0)
    FROM unnest(%s::text[], %s::bigint[]) AS w (stream, published), ledger_ledger l
    WHERE c.consumer = 'redis' AND c.stream = w.stream AND l.stream = w.stream
      AND c.sequence > GREATEST(w.published, l.event_sequence - %s, 0)
"""


@cache
def client(url: str) -> redis.Redis:
    """Without retries of its own: the pusher tries again, from what is stored."""
    retry = Retry(NoBackoff(), 0)
    return redis.Redis.from_url(url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS, retry=retry)


def due_streams() -> list[tuple[str, int]]:
    """Worlds with events that are not published, and their newest sequence."""
    with connection.cursor() as cursor:
        cursor.execute(DUE)
        return list(cursor.fetchall())


def publish_due() -> int:
    """Publish what is new in each world, in order; the number of events. Raises redis.RedisError."""
    return sum(publish_stream(stream, head) for stream, head in due_streams())


@transaction.atomic
def publish_stream(stream: str, head: int) -> int:
    """One batch. The cursor's row is locked meanwhile: Redis answers within seconds or not at all."""
    # What would be trimmed at once is not published: a new Redis, or a new QMTL on old worlds, starts near the end.
    floor = max(0, head - settings.REDIS_STREAM_LENGTH)
    DeliveryCursor.objects.bulk_create(
        [DeliveryCursor(consumer=CONSUMER, stream=stream, sequence=floor)], ignore_conflicts=True
    )
    rows = DeliveryCursor.objects.select_for_update(no_key=True, skip_locked=True)
    cursor = rows.filter(consumer=CONSUMER, stream=stream).first()
    if cursor is None:
        return 0
    batch = after(stream, cursor.sequence)
    known = publish(batch, expected=cursor.sequence if cursor.sequence > floor else 0)
    if known != DONE:
        log.warning("redis_streams.lost", world_id=stream, published=cursor.sequence, known=known)
        batch = after(stream, max(known, floor))
        publish(batch, expected=0)
    if batch:
        cursor.sequence = batch[-1].sequence
        cursor.save(update_fields=["sequence"])
        count(CONSUMER, "delivered", len(batch))
    return len(batch)


def after(stream: str, sequence: int) -> list[OutboxEvent]:
    events = OutboxEvent.objects.filter(stream=stream, sequence__gt=sequence)
    return list(events.order_by("sequence")[:BATCH])


def publish(batch: list[OutboxEvent], *, expected: int) -> int:
    """All of them or none. DONE, or how far Redis knows the world where that is less than `expected`."""
    if not batch:
        return DONE
    entries = [
        part for each in batch for part in (str(each.event_id), each.type, each.sequence, each.document)
    ]
    at = client(settings.REDIS_URL)
    answer = at.eval(
        PUBLISH,
        1 + len(batch),
        PUBLISHED,
        *(topic_of(event.type) for event in batch),
        batch[0].stream,
        expected,
        settings.REDIS_STREAM_LENGTH,
        batch[-1].sequence,
        *entries,
    )
    return int(answer)


def topic_of(event_type: str) -> str:
    return TOPIC.format(group=event_type.partition(".")[0])


def publish_again_what_was_lost() -> int:
    """Take the cursor back in worlds of which Redis knows less than we published; how many those are."""
    published = client(settings.REDIS_URL).hgetall(PUBLISHED)
    behind: list[tuple[str, int]] = []
    rows = DeliveryCursor.objects.filter(consumer=CONSUMER, sequence__gt=0).values_list("stream", "sequence")
    for stream, sequence in rows.iterator(chunk_size=5000):
        known = int(published.get(stream.encode(), 0))
        if known < sequence:
            behind.append((stream, known))
    if not behind:
        return 0
    length, (streams, sequences) = settings.REDIS_STREAM_LENGTH, zip(*behind, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(REWIND, [length, list(streams), list(sequences), length])
        return cursor.rowcount
