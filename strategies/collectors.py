"""Gauges of gates, of applies in flight, and of who drives them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from django.db.models import Count
from psycopg.rows import namedtuple_row

from qmtl_site.database import native_cursor
from qmtl_site.metrics.registry import register_gauge
from strategies.models import Apply
from strategies.selectors.activation import mode_of_row

Rows = Iterator[tuple[tuple[str, ...], float]]

GATES = """
SELECT w.id AS world_id, b.state, w.state AS world_state, w.allow_live, w.circuit_breaker,
       w.decision_stale_at <= now() AS stale, foreign_code, node_error, told, count(*) AS number
FROM strategies_activation a
JOIN strategies_binding b ON b.id = a.binding_id AND b.state <> 'archived'
JOIN worlds_world w ON w.id = b.world_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN a.freeze THEN 'frozen' WHEN a.drain OR NOT a.active THEN 'closed' ELSE 'open' END AS told,
           (b.running_code_hash <> '' AND b.judged_code_hash <> ''
            AND b.running_code_hash <> b.judged_code_hash) AS foreign_code,
           EXISTS (SELECT FROM strategies_node n WHERE n.binding_id = b.id AND n.state = 'error') AS node_error
) t
GROUP BY w.id, b.state, foreign_code, node_error, told
"""
LEASE = "SELECT name, EXTRACT(EPOCH FROM until - now()) FROM strategies_driverlease"


def gates() -> Rows:
    """`state` as it holds: what was told to be open and is masked is `masked`."""
    with native_cursor(namedtuple_row) as cursor:
        rows = cursor.execute(GATES).fetchall()
    counted: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        mode = mode_of_row(row).mode
        state = "masked" if row.told == "open" and mode != "live" else row.told
        counted[row.world_id, mode, state] += row.number
    yield from counted.items()


def applies() -> Rows:
    rows = Apply.objects.filter(settled_at=None).values_list("world_id", "phase")
    for world, phase, number in rows.annotate(n=Count("id")).order_by():
        yield (world, phase), number


def lease() -> Rows:
    with native_cursor() as cursor:
        for name, seconds in cursor.execute(LEASE).fetchall():
            yield (name,), float(seconds)


register_gauge(
    "qmtl_gates",
    "Gates by world, effective mode and state: open, masked, frozen, closed.",
    ("world_id", "mode", "state"),
    gates,
)
register_gauge(
    "qmtl_applies_in_flight", "Applies that have not ended, by phase.", ("world_id", "phase"), applies
)
register_gauge(
    "qmtl_driver_lease_seconds",
    "What is left of the driver's lease; below zero nobody drives.",
    ("name",),
    lease,
)
