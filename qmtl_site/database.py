"""Two roles on one database, and the cursor for statements that are hot or carry binaries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Model
from psycopg import Cursor, sql
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


def update_rows(rows: Sequence[Model], names: Sequence[str]) -> None:
    """Write these fields of rows of one model, in one statement that is the same for any number of them.

    `bulk_update` builds a CASE with a branch for each row and field: of a hundred rows that takes longer than all else
    that is done with them.
    """
    if not rows:
        return
    model = type(rows[0])
    fields = [model._meta.pk, *(model._meta.get_field(name) for name in names)]
    columns = [[prepared(field, row) for row in rows] for field in fields]
    with native_cursor() as cursor:
        cursor.execute(updating(model, tuple(names)), columns)


@cache
def updating(model: type[Model], names: tuple[str, ...]) -> str:
    fields: list[Any] = [model._meta.pk, *(model._meta.get_field(name) for name in names)]
    identifiers = [sql.Identifier(field.column) for field in fields]
    arrays = [sql.SQL(f"%s::{field.cast_db_type(connection)}[]") for field in fields]
    statement = sql.SQL(
        "UPDATE {table} AS kept SET {changes} FROM unnest({arrays}) AS given ({columns}) WHERE kept.{key} = given.{key}"
    )
    return statement.format(
        table=sql.Identifier(model._meta.db_table),
        changes=sql.SQL(", ").join(sql.SQL("{0} = given.{0}").format(each) for each in identifiers[1:]),
        arrays=sql.SQL(", ").join(arrays),
        columns=sql.SQL(", ").join(identifiers),
        key=identifiers[0],
    ).as_string()


def prepared(field: Any, row: Model) -> Any:
    value = field.get_db_prep_save(getattr(row, field.attname), connection)
    return value.value if isinstance(value, Enum) else value  # psycopg would write the name of a choice
