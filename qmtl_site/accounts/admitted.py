"""Reads that find out who asks in the statement that reads (spec 11, "Serving immutable documents").

A statement begins with `WHO` and selects FROM who; it takes `digest` (of the token) and `world`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import InterfaceError, OperationalError, connection

from qmtl_site.database import native_cursor
from qmtl_site.http.refusals import NotFound, Unauthenticated

# Who asks, and whether he has a role in the world; a revoked token or role is refused at the next request.
WHO = """
    WITH who AS (
        SELECT u.is_superuser OR EXISTS (
                   SELECT 1 FROM accounts_worldrole g WHERE g.user_id = u.id AND g.world_id = %(world)s) AS may_read
        FROM knox_authtoken t JOIN auth_user u ON u.id = t.user_id AND u.is_active
        WHERE t.digest = %(digest)s AND (t.expiry IS NULL OR t.expiry > now())
    )
"""


def admitted_rows(sql: str, params: Mapping[str, Any], **options: Any) -> Sequence[Any]:
    """The rows; Unauthenticated without a valid token, NotFound without a role or without what was asked for.

    The first column is null where the caller may not read, or where there is nothing.
    """
    rows = fetch(sql, params, **options)
    if not rows:
        raise Unauthenticated("The token is unknown, expired or revoked")
    if rows[0][0] is None:
        raise NotFound()
    return rows


def fetch(sql: str, params: Mapping[str, Any], **options: Any) -> Sequence[Any]:
    """Rows of a statement, once more on a new connection when the server had closed the old one."""
    try:
        return fetch_once(sql, params, **options)
    except (OperationalError, InterfaceError):
        # Asking first whether the connection still lives (CONN_HEALTH_CHECKS) would cost each read a round trip.
        raw = connection.connection
        if raw is None or not raw.closed or connection.in_atomic_block:
            raise
    connection.close()
    return fetch_once(sql, params, **options)


def fetch_once(sql: str, params: Mapping[str, Any], **options: Any) -> Sequence[Any]:
    with native_cursor(**options) as cursor:
        return cursor.execute(sql, params, prepare=True, binary=True).fetchall()
