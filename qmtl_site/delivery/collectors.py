"""How far the readers of the outbox are behind, what they delivered, and what they gave up."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.db import connection
from django.db.models import Count

from qmtl_site.metrics.registry import register_counter, register_gauge
from qmtl_site.outbox.models import DeadLetter, DeliveryCount

Rows = Iterator[tuple[tuple[str, ...], float]]

LAG = """
    WITH reader (consumer, stream) AS (
        SELECT 'handlers', '' UNION ALL SELECT 'redis', '' WHERE %s
        UNION ALL SELECT 'subscription:' || id, stream FROM outbox_subscription WHERE state <> 'removed'
    )
    SELECT r.consumer, COALESCE(sum(l.event_sequence - COALESCE(c.sequence, 0)), 0),
           GREATEST(COALESCE(EXTRACT(EPOCH FROM now() - min(e.time)), 0), 0)
    FROM reader r
    LEFT JOIN ledger_ledger l ON r.stream IN ('', l.stream)
    LEFT JOIN outbox_deliverycursor c ON c.consumer = r.consumer AND c.stream = l.stream
    LEFT JOIN outbox_outboxevent e ON e.stream = l.stream AND e.sequence = COALESCE(c.sequence, 0) + 1
    GROUP BY r.consumer ORDER BY r.consumer
"""


def lag() -> list[tuple[str, float, float]]:
    """Per reader: events not handled, and how long ago the oldest of them was."""
    with connection.cursor() as cursor:
        cursor.execute(LAG, [settings.REDIS_STREAMS])
        return [(consumer, float(number), float(age)) for consumer, number, age in cursor.fetchall()]


def lag_events() -> Rows:
    return (((consumer,), number) for consumer, number, _ in lag())


def lag_seconds() -> Rows:
    return (((consumer,), age) for consumer, _, age in lag())


def dead_letters() -> Rows:
    rows = DeadLetter.objects.filter(state=DeadLetter.State.DEAD).values_list("subscription_id")
    for key, number in rows.annotate(n=Count("id")).order_by():
        yield (f"subscription:{key}",), number


def deliveries() -> Rows:
    for consumer, result, number in DeliveryCount.objects.values_list("consumer", "result", "count"):
        yield (consumer, result), number


register_gauge("qmtl_outbox_lag_events", "Events not yet handled.", ("consumer",), lag_events)
register_gauge(
    "qmtl_outbox_lag_seconds", "Age of the oldest event not yet handled.", ("consumer",), lag_seconds
)
register_gauge("qmtl_dead_letters", "Events given up and not replayed.", ("consumer",), dead_letters)
register_counter(
    "qmtl_deliveries",
    "Deliveries by result: delivered, failed (a try in vain), dead (given up).",
    ("consumer", "result"),
    deliveries,
)
