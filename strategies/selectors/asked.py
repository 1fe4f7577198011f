"""Who holds the gates that an apply in flight opens and has not answered."""

from __future__ import annotations

from typing import NamedTuple

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
SILENT = f"{ASKED} WHERE k.id IS NULL AND a.id"
WHO = f"SELECT c.id, c.client_id {SILENT} = %s ORDER BY c.client_id"
HOW_MANY = f"SELECT count(*) {SILENT}"
IN_FLIGHT = """
SELECT d.id FROM strategies_apply d WHERE d.settled_at IS NULL AND (%(apply)s::bigint IS NULL OR d.id = %(apply)s)
"""
WAITS_FOR_NOBODY = f"d.phase IN ('requested', 'switch') OR d.deadline <= now() OR ({HOW_MANY} = d.id) = 0"
DUE = f"{IN_FLIGHT} AND ({WAITS_FOR_NOBODY}) ORDER BY d.id"


class Holder(NamedTuple):
    """A client with a valid lease on a gate that an apply opens."""

    id: int
    client_id: str


def silent_holders(apply_id: int) -> list[Holder]:
    """Who has not acknowledged the phase that the apply is in, by name."""
    with native_cursor() as cursor:
        return [Holder(*row) for row in cursor.execute(WHO, [apply_id])]


def due_applies(apply_id: int | None = None) -> list[int]:
    """Applies in flight that wait for nobody, of all or of the one: without a lock, so that to ask holds up nothing.

    Whoever takes the step asks again under his locks.
    """
    with native_cursor() as cursor:
        return [key for (key,) in cursor.execute(DUE, {"apply": apply_id})]
