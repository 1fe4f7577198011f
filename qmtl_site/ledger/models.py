"""Heads of the numbered streams, and the base of rows that are evidence."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar

from django.apps import apps
from django.db import models
from psycopg import sql

from qmtl_site.database import native_cursor

SYSTEM_STREAM = "_system"


class Ledger(models.Model):
    """Heads of one stream: a world's, or `_system` for what belongs to no world."""

    stream = models.CharField(primary_key=True, max_length=128)
    event_sequence = models.BigIntegerField(default=0)
    audit_sequence = models.BigIntegerField(default=0)
    audit_head = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        verbose_name = "stream"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(event_sequence__gte=0, audit_sequence__gte=0),
                name="ledger_only_counts_up_from_zero",
            )
        ]

    def __str__(self) -> str:
        return self.stream


class AppendOnly(models.Model):
    """A row that is written once.

    The migration of each subclass adds `ForbidChange`: triggers that refuse UPDATE, DELETE and TRUNCATE to every
    role; `manage.py grant_roles` takes these rights from the application's role as well. The owner can
    purge only by disabling the triggers on purpose.
    """

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **{**kwargs, "force_insert": True})


def append(rows: Sequence[AppendOnly]) -> None:
    """Insert rows of one model, whose keys the database gives and nobody asks for."""
    model = type(rows[0])
    with native_cursor() as cursor:
        cursor.executemany(inserting(model), [values_of(row) for row in rows])


def insert(row: AppendOnly) -> None:
    """Insert one row, and give it its key; a repeated statement is prepared, where the ORM would plan it anew."""
    with native_cursor() as cursor:
        found = cursor.execute(f"{inserting(type(row))} RETURNING id", values_of(row)).fetchone()
    row.pk, row._state.adding = found and found[0], False


@cache
def inserting(model: type[AppendOnly]) -> str:
    columns = [field.column for field in columns_of(model)]
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(model._meta.db_table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(sql.Placeholder() * len(columns)),
    )
    return statement.as_string()


def columns_of(model: type[AppendOnly]) -> list[Any]:
    return [field for field in model._meta.concrete_fields if not field.primary_key]


def values_of(row: AppendOnly) -> list[Any]:
    return [getattr(row, field.attname) for field in columns_of(type(row))]


def evidence_tables() -> list[str]:
    """Tables of all append-only models, sorted."""
    return sorted(model._meta.db_table for model in apps.get_models() if issubclass(model, AppendOnly))
