"""The statements of the stream process, on a few connections of its own: no stream holds one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import psycopg
from django.db import connections
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from qmtl_site.accounts.authentication import WHO
from qmtl_site.outbox.events import CHANNEL
from qmtl_site.stream.entry import Entry, entry_of

CONNECTIONS = 4
SECONDS_FOR_A_CONNECTION = 5.0
PAGE = 500
LOST = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, OSError)

TAIL = """
    SELECT w.stream, e.sequence, e.type, e.document
    FROM unnest(%s::text[], %s::bigint[]) AS w (stream, after)
    CROSS JOIN LATERAL (
        SELECT sequence, type, document FROM outbox_outboxevent
        WHERE stream = w.stream AND sequence > w.after ORDER BY sequence LIMIT %s
    ) e
    ORDER BY w.stream, e.sequence
"""
HEADS = "SELECT stream, event_sequence FROM ledger_ledger WHERE stream = ANY(%s)"
# The same question as WHO with the access that reading asks for (any role), about all open streams at once.
STILL_READS = """
    SELECT o.digest, o.world FROM unnest(%s::text[], %s::text[]) AS o (digest, world)
    JOIN knox_authtoken t ON t.digest = o.digest AND (t.expiry IS NULL OR t.expiry > now())
    JOIN auth_user u ON u.id = t.user_id AND u.is_active
    JOIN worlds_world w ON w.id = o.world
    WHERE u.is_superuser
       OR EXISTS (SELECT FROM accounts_worldrole r WHERE r.user_id = u.id AND r.world_id = w.id)
"""

# A client that reads the stream of its world in its own name holds on to its lease. What has run out stays so, and a
# lease is written again only when a third of it has passed.
RENEW = """
    UPDATE strategies_gateclient c SET lease_until = now() + %s::interval
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS o (digest, world, client, secret)
    WHERE c.world_id = o.world AND c.client_id = o.client AND c.secret_hash = o.secret AND c.token_digest = o.digest
      AND c.revoked_at IS NULL AND c.lease_until > now()
      AND c.lease_until < now() + %s::interval * 2 / 3
      AND EXISTS (SELECT FROM auth_user u WHERE u.id = c.user_id AND (u.is_superuser OR EXISTS (
          SELECT FROM accounts_worldrole r WHERE r.user_id = u.id AND r.world_id = o.world AND r.role = 'runner')))
    RETURNING c.id
"""


def parameters() -> dict[str, Any]:
    """How Django would connect; what it adds for its own cursors is left out."""
    given: dict[str, Any] = connections["default"].get_connection_params()
    own = {"cursor_factory", "context"}
    return {**{name: value for name, value in given.items() if name not in own}, "autocommit": True}


class Reader:
    def __init__(self) -> None:
        self.pool = AsyncConnectionPool(
            kwargs=parameters(),
            min_size=1,
            max_size=CONNECTIONS,
            timeout=SECONDS_FOR_A_CONNECTION,
            name="stream",
            open=False,
        )

    async def rows(self, statement: str, arguments: Sequence[Any]) -> list[Any]:
        """Raises one of LOST when the database does not answer."""
        await self.pool.open()
        # After a restart of the server every pooled connection is a dead one, which only its use shows.
        for _ in range(CONNECTIONS):
            try:
                return await self.rows_once(statement, arguments)
            except PoolTimeout:
                raise
            except psycopg.OperationalError:
                continue
        return await self.rows_once(statement, arguments)

    async def rows_once(self, statement: str, arguments: Sequence[Any]) -> list[Any]:
        async with self.pool.connection() as connection:
            return await (await connection.execute(statement, arguments)).fetchall()

    async def who(self, world_id: str, digest: str) -> Any | None:
        """The row of the WHO statement; None for a token that is unknown, expired or revoked."""
        found = await self.rows(WHO, [world_id, digest])
        return found[0] if found else None

    async def head(self, stream: str) -> int:
        return (await self.heads([stream])).get(stream, 0)

    async def heads(self, streams: Iterable[str]) -> dict[str, int]:
        return dict(await self.rows(HEADS, [list(streams)]))

    async def after(self, positions: Mapping[str, int], limit: int = PAGE) -> dict[str, list[Entry]]:
        """Of each stream the events after its position, oldest first, `limit` of each at most."""
        found: dict[str, list[Entry]] = {}
        for stream, *event in await self.rows(TAIL, [list(positions), list(positions.values()), limit]):
            found.setdefault(stream, []).append(entry_of(*event))
        return found

    async def page(self, stream: str, *, after: int, limit: int = PAGE) -> list[Entry]:
        return (await self.after({stream: after}, limit)).get(stream, [])

    async def still_reading(self, pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of the pairs (digest, world) that still may."""
        wanted = list(pairs)
        rows = await self.rows(
            STILL_READS, [[digest for digest, _ in wanted], [world for _, world in wanted]]
        )
        return {(digest, world) for digest, world in rows}

    async def renew(self, held: Iterable[tuple[str, str, str, str]], lease: timedelta) -> None:
        """Renew the leases of who reads: (digest of the token, world, client, hash of the lease's secret)."""
        wanted = sorted(held)
        if wanted:
            await self.rows(RENEW, [lease, *map(list, zip(*wanted, strict=True)), lease])


@asynccontextmanager
async def listening() -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """The one connection that LISTENs."""
    connection = await psycopg.AsyncConnection.connect(**parameters())
    try:
        await connection.execute(f"LISTEN {CHANNEL}")
        yield connection
    finally:
        await connection.close()
