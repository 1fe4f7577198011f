from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db import connections, transaction
from psycopg import sql

from qmtl_site.ledger.models import evidence_tables


class Command(BaseCommand):
    """Give the application's role its rights, without UPDATE, DELETE or TRUNCATE on evidence."""

    help = __doc__ or ""
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        owner = connections["owner"]
        role = connections["default"].settings_dict["USER"]
        if not role or role == owner.settings_dict["USER"]:
            self.stdout.write("One role owns and uses the database: only the triggers protect evidence.")
            return
        name = sql.Identifier(role)
        with transaction.atomic(using="owner"), owner.cursor() as cursor:
            for statement in (
                "GRANT USAGE ON SCHEMA public TO {}",
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}",
                "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}",
                "REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON django_migrations FROM {}",
            ):
                cursor.execute(sql.SQL(statement).format(name))
            for table in evidence_tables():
                revoke = sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {} FROM {}")
                cursor.execute(revoke.format(sql.Identifier(table), name))
        if options["verbosity"] > 0:
            self.stdout.write(f"{role}: {len(evidence_tables())} tables of evidence only take new rows.")
