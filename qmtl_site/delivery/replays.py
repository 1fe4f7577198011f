"""Dead letters that an operator asked for again: on their own, in no lane, so that they hold nothing up."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db import connection, transaction
from django.utils import timezone

from qmtl_site.delivery.errors import DeliveryFailed
from qmtl_site.delivery.lanes import LONGEST_ERROR, claim_seconds, count
from qmtl_site.delivery.turns import TRIES, backoff, send
from qmtl_site.outbox.models import DeadLetter, OutboxEvent

log = structlog.get_logger(__name__)

DUE = """
    SELECT d.id FROM outbox_deadletter d
    JOIN outbox_subscription s ON s.id = d.subscription_id AND s.state = 'active'
    WHERE d.state = 'waiting' AND (d.retry_at IS NULL OR d.retry_at <= now())
      AND (d.claimed_until IS NULL OR d.claimed_until <= now())
    ORDER BY d.subscription_id, d.stream, d.sequence LIMIT %s
"""
CLAIM = """
    UPDATE outbox_deadletter SET fence = fence + 1, claimed_until = now() + %s * interval '1 second'
    WHERE id = %s AND state = 'waiting' AND (claimed_until IS NULL OR claimed_until <= now()) RETURNING fence
"""


def due_replays(limit: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(DUE, [limit])
        return [key for (key,) in cursor.fetchall()]


def try_again(key: int) -> bool:
    """Send a dead letter once more; whether it was taken."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [claim_seconds(), key])
        row = cursor.fetchone()
    if row is None:
        return False
    letter = DeadLetter.objects.select_related("subscription").get(pk=key)
    event = OutboxEvent.objects.get(stream=letter.stream, sequence=letter.sequence)
    error = ""
    try:
        send(letter.subscription, event)
    except DeliveryFailed as failure:
        error = str(failure)
    return settle(key, row[0], error)


@transaction.atomic
def settle(key: int, fence: int, error: str) -> bool:
    letter = DeadLetter.objects.select_for_update(no_key=True).filter(pk=key, fence=fence).first()
    if letter is None or letter.state != DeadLetter.State.WAITING:
        return False
    consumer = f"subscription:{letter.subscription_id}"
    letter.claimed_until = None
    if not error:
        letter.deliver()
        count(consumer, "delivered")
    else:
        letter.attempts, letter.error = letter.attempts + 1, error[:LONGEST_ERROR]
        count(consumer, "failed")
        if letter.attempts < TRIES:
            letter.retry_at = timezone.now() + timedelta(seconds=backoff(letter.attempts))
        else:
            letter.die()
            letter.died_at = timezone.now()
            count(consumer, "dead")
    letter.save()
    return not error
