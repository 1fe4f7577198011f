"""A lane is one consumer's way through one stream: its events go one after the other, lanes side by side.

Who works in a lane claims its cursor for a while. Nothing is locked while something is sent; a claim that ran out
changes nothing any more, because each one has a number (`fence`) that the next one raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction

from qmtl_site.delivery.errors import ClaimLost
from qmtl_site.outbox.models import OutboxEvent

LONGEST_ERROR = 500

DUE = """
    SELECT 'subscription:' || s.id, l.stream
    FROM outbox_subscription s
    JOIN ledger_ledger l ON s.stream IN ('', l.stream)
    LEFT JOIN outbox_deliverycursor c ON c.consumer = 'subscription:' || s.id AND c.stream = l.stream
    WHERE s.state = 'active' AND l.event_sequence > COALESCE(c.sequence, 0)
      AND (c.retry_at IS NULL OR c.retry_at <= now())
      AND (c.claimed_until IS NULL OR c.claimed_until <= now())
    ORDER BY c.retry_at NULLS FIRST, s.id, l.stream LIMIT %s
"""
CLAIM = """
    INSERT INTO outbox_deliverycursor AS c (consumer, stream, sequence, attempts, error, fence, claimed_until)
    VALUES (%s, %s, 0, 0, '', 1, now() + %s * interval '1 second')
    ON CONFLICT (consumer, stream) DO UPDATE SET fence = c.fence + 1, claimed_until = excluded.claimed_until
    WHERE c.claimed_until IS NULL OR c.claimed_until <= now()
    RETURNING sequence, attempts, fence
"""
MOVE = """
    UPDATE outbox_deliverycursor SET sequence = %s, attempts = %s, error = %s,
        retry_at = now() + %s * interval '1 second', claimed_until = now() + %s * interval '1 second'
    WHERE consumer = %s AND stream = %s AND fence = %s
"""
RELEASE = (
    "UPDATE outbox_deliverycursor SET claimed_until = NULL WHERE consumer = %s AND stream = %s AND fence = %s"
)
COUNT = """
    INSERT INTO outbox_deliverycount AS c (consumer, result, count) VALUES (%s, %s, %s)
    ON CONFLICT (consumer, result) DO UPDATE SET count = c.count + excluded.count
"""


@dataclass(frozen=True, order=True)
class Lane:
    consumer: str
    stream: str


def claim_seconds() -> float:
    """More than one try takes: two connections and the answer. So long is a lane left alone when its process dies."""
    return float(3 * settings.WEBHOOK_SECONDS)


def due_lanes(limit: int) -> list[Lane]:
    """Lanes with something to do now that nobody is at; those that never failed first."""
    with connection.cursor() as cursor:
        cursor.execute(DUE, [limit])
        return [Lane(*row) for row in cursor.fetchall()]


def count(consumer: str, result: str, number: int = 1) -> None:
    """Beside what it counts, in the same transaction."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [consumer, result, number])


@dataclass
class Claim:
    """The right to move a lane's cursor, until it runs out. `sequence` is handled, `attempts` failed after it."""

    lane: Lane
    sequence: int
    attempts: int
    fence: int

    @classmethod
    def of(cls, lane: Lane) -> Claim | None:
        """None when somebody else is at it."""
        with connection.cursor() as cursor:
            cursor.execute(CLAIM, [lane.consumer, lane.stream, claim_seconds()])
            row = cursor.fetchone()
        return None if row is None else cls(lane, *row)

    def events(self, limit: int) -> Sequence[OutboxEvent]:
        rows = OutboxEvent.objects.filter(stream=self.lane.stream, sequence__gt=self.sequence)
        return list(rows.order_by("sequence")[:limit])

    def advance(self, sequence: int) -> None:
        """Everything up to `sequence` is handled; the claim begins anew."""
        self.move(sequence, attempts=0, error="", rest=None)

    def fail(self, error: str, *, rest: float) -> None:
        """The next event was tried in vain, and is tried again after so many seconds."""
        self.move(self.sequence, attempts=self.attempts + 1, error=error, rest=rest)

    def move(self, sequence: int, *, attempts: int, error: str, rest: float | None) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            lane = self.lane
            where = (lane.consumer, lane.stream, self.fence)
            cursor.execute(MOVE, [sequence, attempts, error[:LONGEST_ERROR], rest, claim_seconds(), *where])
            if cursor.rowcount != 1:
                raise ClaimLost(f"{lane.consumer} in {lane.stream}")
        self.sequence, self.attempts = sequence, attempts

    def release(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(RELEASE, [self.lane.consumer, self.lane.stream, self.fence])
