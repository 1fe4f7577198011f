"""The application's role works with rows; the schema and what guards it are out of its reach."""

from __future__ import annotations

from typing import LiteralString

import pytest
from django.db import connection, connections
from psycopg import errors

from evaluation.models import EvaluationRun
from tests.evidence.test_append_only_tables import refusal


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "DROP TABLE audit_auditentry",
        "ALTER TABLE audit_auditentry DISABLE TRIGGER USER",
        "ALTER TABLE audit_auditentry ADD COLUMN mine int",
        "DROP TRIGGER evidence_rows_do_not_change ON audit_auditentry",
        "DROP TRIGGER judged_runs_only_move_on ON evaluation_evaluationrun",
        "DROP TRIGGER lifecycle_is_kept ON worlds_world",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SET session_replication_role = replica",
        "ALTER TABLE worlds_policyversion DROP CONSTRAINT policy_versions_count_up_per_world",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('worlds', '9999', now())",
        "UPDATE django_migrations SET name = name",
        "DELETE FROM django_migrations",
        "TRUNCATE django_migrations",
        "TRUNCATE worlds_world CASCADE",
    ],
)
def test_the_application_may_not(judged: EvaluationRun, statement: LiteralString) -> None:
    with refusal("default") as caught, connection.cursor() as cursor:
        cursor.execute(statement)
    assert isinstance(caught.value.__cause__, errors.InsufficientPrivilege)


def test_a_grant_by_the_application_gives_nothing(judged: EvaluationRun) -> None:
    with refusal("default") as caught, connection.cursor() as cursor:
        cursor.execute("GRANT UPDATE ON audit_auditentry TO CURRENT_USER")
        cursor.execute("UPDATE audit_auditentry SET actor = actor")
    assert isinstance(caught.value.__cause__, errors.InsufficientPrivilege)


@pytest.mark.parametrize("role", ["default", "owner"])
def test_neither_role_stands_above_the_triggers(judged: EvaluationRun, role: str) -> None:
    with connections[role].cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolreplication FROM pg_roles"
            " WHERE rolname = current_user"
        )
        assert cursor.fetchone() == (False, False, False, False)


def test_the_two_roles_are_two(judged: EvaluationRun) -> None:
    names = set()
    for role in ("default", "owner"):
        with connections[role].cursor() as cursor:
            cursor.execute("SELECT current_user")
            names.add(cursor.fetchone())
    assert len(names) == 2


@pytest.mark.parametrize("role", ["default", "owner"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE worlds_policyversion SET version = 77",
        "UPDATE worlds_policyversion SET created_by_id = NULL",
        "UPDATE worlds_policyversion SET created_at = '2000-01-01'",
        "UPDATE worlds_policyversion SET world_id = 'other'",
        "DELETE FROM worlds_policyversion",
        "UPDATE worlds_world SET periods_per_year = 12",
        "UPDATE worlds_world SET figures_frozen_at = NULL",
        "DELETE FROM worlds_world",
        "UPDATE strategies_binding SET world_id = 'other'",
        "DELETE FROM strategies_binding",
        "DELETE FROM strategies_strategy",
    ],
)
def test_nobody_changes_what_evidence_refers_to(
    judged: EvaluationRun, statement: LiteralString, role: str
) -> None:
    with refusal(role) as caught, connections[role].cursor() as cursor:
        cursor.execute(statement)
    assert isinstance(caught.value.__cause__, errors.RestrictViolation)
