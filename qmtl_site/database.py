"""Two roles on one database, and the cursor for statements that are hot or carry binaries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from psycopg import Cursor
from psycopg.rows import tuple_row


class OwnerMigrates:
    """The owner changes the schema, the application only works with rows.

    Migrations run through the `owner` connection; everything else through `default`.
    """

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "owner"


@contextmanager
def native_cursor(row_factory: Any = tuple_row) -> Iterator[Cursor[Any]]:
    """psycopg's own cursor on Django's connection and in its transaction; its errors are Django's.

    Django's is text mode: binaries would go and come as hex within the text, and the server would plan every
    statement anew. Here they travel beside it, and a repeated one is prepared (`prepare_threshold`), where
    planning takes as long as the work itself, or several times as long.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, Cursor(connection.connection, row_factory=row_factory) as cursor:
        yield cursor


@contextmanager
def pipelined() -> Iterator[None]:
    """What native cursors write in here goes to the server in one go, instead of one after the other's answer."""
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield
