"""Who holds the gates that an apply in flight opens, and who of them has answered."""

from __future__ import annotations

from typing import NamedTuple

from psycopg.rows import namedtuple_row

from qmtl_site.database import native_cursor

# The one relation behind what the driver does next, which answer wakes it, and whom a reader sees waited for. After the
# switch nobody is asked about what was closed since. A plan is one document, which is taken apart once and not once a
# gate: OFFSET 0 and scalar queries keep that order in a database that has not counted its rows yet.
ASKED = """
FROM strategies_apply a
CROSS JOIN LATERAL (
    SELECT DISTINCT h.client_id FROM jsonb_to_recordset(a.plan -> 'openings') AS o (strategy_id text)
    JOIN strategies_gatehold h ON h.strategy_id = o.strategy_id
    WHERE a.phase <> 'unfreeze' OR (
        SELECT g.incarnation = a.incarnation AND g.number = a.number
        FROM strategies_binding b JOIN strategies_activation g ON g.binding_id = b.id
        WHERE b.world_id = a.world_id AND b.strategy_id = o.strategy_id)
    OFFSET 0
) held
JOIN strategies_gateclient c ON c.id = held.client_id AND c.world_id = a.world_id
     AND c.revoked_at IS NULL AND c.lease_until > now()
LEFT JOIN strategies_applyack k ON k.apply_id = a.id AND k.client_id = c.id AND k.phase = a.phase
"""
HOLDERS = (
    f"SELECT c.id, c.client_id, k.id IS NOT NULL AS has_answered {ASKED} WHERE a.id = %s ORDER BY c.client_id"
)
SILENT = f"SELECT count(*) {ASKED} WHERE k.id IS NULL AND a.id"
IN_FLIGHT = """
SELECT d.id FROM strategies_apply d WHERE d.settled_at IS NULL AND (%(apply)s::bigint IS NULL OR d.id = %(apply)s)
"""
WAITS_FOR_NOBODY = f"d.phase IN ('requested', 'switch') OR d.deadline <= now() OR ({SILENT} = d.id) = 0"
DUE = f"{IN_FLIGHT} AND ({WAITS_FOR_NOBODY}) ORDER BY d.id"


class Holder(NamedTuple):
    """A client with a valid lease on a gate that the apply opens, and whether it has acknowledged the phase."""

    id: int
    client_id: str
    has_answered: bool


def holders_asked(apply_id: int) -> list[Holder]:
    with native_cursor(namedtuple_row) as cursor:
        return [Holder(*row) for row in cursor.execute(HOLDERS, [apply_id])]


def due_applies(apply_id: int | None = None) -> list[int]:
    """Applies in flight that wait for nobody, of all or of the one: without a lock, so that to ask holds up nothing.

    Whoever takes the step asks again under his locks.
    """
    with native_cursor() as cursor:
        return [key for (key,) in cursor.execute(DUE, {"apply": apply_id})]
