"""The driver's lease: who drives the applies, on the database's clock, and how who has lost it is refused."""

from __future__ import annotations

import os
import socket
import uuid
from datetime import timedelta
from functools import cache

from django.conf import settings

from qmtl_site.database import native_cursor

NAME = "driver"
# One statement: renewed by who holds it, taken where it has run out, made where there was none. A step that is
# being taken holds the row in share mode; nobody waits for it here, as it may be a stopped process's.
TAKE = """
WITH free AS (
    SELECT name FROM strategies_driverlease
    WHERE name = %(name)s AND (holder = %(holder)s OR until <= now()) FOR NO KEY UPDATE SKIP LOCKED
), taken AS (
    UPDATE strategies_driverlease l
    SET fence = l.fence + CASE WHEN l.holder = %(holder)s THEN 0 ELSE 1 END,
        holder = %(holder)s, until = now() + %(lease)s
    FROM free WHERE l.name = free.name RETURNING l.fence
), first AS (
    INSERT INTO strategies_driverlease (name, holder, fence, until)
    SELECT %(name)s, %(holder)s, 1, now() + %(lease)s
    WHERE NOT EXISTS (SELECT FROM strategies_driverlease WHERE name = %(name)s)
    ON CONFLICT DO NOTHING RETURNING fence
)
SELECT fence FROM taken UNION ALL SELECT fence FROM first
"""
# A process that is stopped in the middle of a step loses its session with its lease, and with it its locks.
LIMIT = "SELECT set_config('idle_in_transaction_session_timeout', %s, true)"
CURRENT = "SELECT FROM strategies_driverlease WHERE name = %s AND fence = %s FOR SHARE"
RELEASE = "UPDATE strategies_driverlease SET until = now() WHERE name = %s AND holder = %s AND until > now()"


class LeaseLost(Exception):
    """Another process drives the applies: whoever comes with an old fence changes nothing."""


def hold_lease() -> int | None:
    """Take or renew the lease for this process; its fence, or None while another one holds it."""
    with native_cursor() as cursor:
        given = {"name": NAME, "holder": holder(os.getpid()), "lease": settings.DRIVER_LEASE}
        found = cursor.execute(TAKE, given).fetchone()
    return None if found is None else int(found[0])


def refuse_old_fence(fence: int) -> None:
    """A part of a transaction that only the driver may make: nobody takes the lease until it has ended."""
    with native_cursor() as cursor:
        cursor.execute(LIMIT, [str(settings.DRIVER_LEASE // timedelta(milliseconds=1))])
        if cursor.execute(CURRENT, [NAME, fence]).fetchone() is None:
            raise LeaseLost(f"Fence {fence} is old: another driver has taken over")


def release_lease() -> None:
    """Let the next one take it at once, instead of when it runs out."""
    with native_cursor() as cursor:
        cursor.execute(RELEASE, [NAME, holder(os.getpid())])


@cache
def holder(process: int) -> str:
    """A name that no other process has ever had; of a process, as a forked one is another."""
    return f"{socket.gethostname()[:200]}:{process}:{uuid.uuid4().hex}"
