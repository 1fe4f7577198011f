"""Two roles on one database, and the cursor for statements that are hot or carry binaries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any

from django.db import connection
from django.db.models import CharField, JSONField, Model
from psycopg import Cursor, sql
from psycopg.rows import tuple_row


class OwnerMigrates:
    """The owner changes the schema, the application only works with rows.

    Migrations run through the `owner` connection; everything else through `default`.
    """

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "owner"


AS_THEY_ARE = frozenset({Decimal, datetime, NoneType})
LOCK_NOT_AVAILABLE = "55P03"
LOCK_SECONDS = "10s"


def is_lock_timeout(error: BaseException) -> bool:
    """Whether somebody else held a lock for longer than was waited."""
    return getattr(error.__cause__, "sqlstate", None) == LOCK_NOT_AVAILABLE


def wait_for_locks(connection: Any, **_: Any) -> None:
    """A receiver of `connection_created`: no statement of this process waits longer for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [LOCK_SECONDS])


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


def insert_rows(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows as one stream, of values as the database takes them (JSON as its text): for a hundred thousand of them
    instances of the model alone take longer than all of that."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(model._meta.db_table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with native_cursor() as cursor, cursor.copy(statement) as stream:
        for row in rows:
            stream.write_row(row)


def update_rows(rows: Sequence[Model], names: Sequence[str]) -> None:
    """Write these fields of rows of one model, in one statement that is the same for any number of them.

    `bulk_update` builds a CASE with a branch for each row and field: of a hundred rows that takes longer than all else
    that is done with them.
    """
    write_columns(UPDATE, rows, names)


def upsert_rows(rows: Sequence[Model], names: Sequence[str]) -> None:
    """The same for rows of which some are new: these fields and the key are all that such a row has."""
    write_columns(UPSERT, rows, names)


UPDATE = """
UPDATE {table} AS kept SET {changes} FROM unnest({arrays}) AS given ({columns}) WHERE kept.{key} = given.{key}
"""
UPSERT = """
INSERT INTO {table} ({columns}) SELECT {columns} FROM unnest({arrays}) AS given ({columns})
ON CONFLICT ({key}) DO UPDATE SET {changes}
"""


def write_columns(statement: str, rows: Sequence[Model], names: Sequence[str]) -> None:
    if not rows:
        return
    model = type(rows[0])
    fields = [model._meta.pk, *(model._meta.get_field(name) for name in names)]
    columns = [[prepared(field, row) for row in rows] for field in fields]
    with native_cursor() as cursor:
        cursor.execute(writing(statement, model, tuple(names)), columns)


@cache
def writing(statement: str, model: type[Model], names: tuple[str, ...]) -> str:
    fields: list[Any] = [model._meta.pk, *(model._meta.get_field(name) for name in names)]
    identifiers = [sql.Identifier(field.column) for field in fields]
    arrays = [sql.SQL(f"%s::{field.cast_db_type(connection)}[]") for field in fields]
    change = sql.SQL("{0} = given.{0}" if statement is UPDATE else "{0} = excluded.{0}")
    return (
        sql.SQL(statement)
        .format(
            table=sql.Identifier(model._meta.db_table),
            changes=sql.SQL(", ").join(change.format(each) for each in identifiers[1:]),
            arrays=sql.SQL(", ").join(arrays),
            columns=sql.SQL(", ").join(identifiers),
            key=identifiers[0],
        )
        .as_string()
    )


def prepared(field: Any, row: Model) -> Any:
    value = getattr(row, field.attname)
    kind = type(value)
    if (kind in AS_THEY_ARE and not isinstance(field, JSONField)) or (
        kind is str and isinstance(field, CharField)
    ):
        return value  # Django would only hand it on, in ten times the time
    value = field.get_db_prep_save(value, connection)
    return value.value if isinstance(value, Enum) else value  # psycopg would write the name of a choice
