"""Evidence takes new rows and nothing else: by the application's rights, and by triggers for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import DatabaseError, connections, transaction
from psycopg import sql

from evaluation.models import EvaluationRun, RunResult
from qmtl_site.ledger.models import evidence_tables

TABLES = [
    "audit_auditentry",
    "blobs_blob",
    "evaluation_decision",
    "evaluation_runinput",
    "evaluation_runresult",
    "evaluation_runrevision",
    "evaluation_snapshot",
    "evaluation_trial",
    "outbox_outboxevent",
    "rebalancing_allocationrecord",
    "rebalancing_planrecord",
    "rebalancing_planworld",
    "rebalancing_positionsnapshot",
    "rebalancing_proposal",
    "strategies_activationrecord",
    "strategies_applyack",
    "strategies_fill",
    "worlds_policytext",
]
STATEMENTS = {
    "update": "UPDATE {table} SET {column} = {column}",
    "delete": "DELETE FROM {table}",
    "truncate": "TRUNCATE {table} CASCADE",
}
each_table = pytest.mark.parametrize("table", TABLES)
each_statement = pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)


@contextmanager
def refusal(role: str) -> Iterator[pytest.ExceptionInfo[DatabaseError]]:
    """What is done inside is refused by the database, and taken back if it is not."""
    with transaction.atomic(using=role):
        with pytest.raises(DatabaseError) as caught, transaction.atomic(using=role):
            yield caught
        transaction.set_rollback(True, using=role)


def execute(role: str, statement: str, table: str) -> None:
    with connections[role].cursor() as cursor:
        cursor.execute(sql.SQL("SELECT * FROM {} LIMIT 1").format(sql.Identifier(table)))
        names = {"table": sql.Identifier(table), "column": sql.Identifier(cursor.description[0].name)}
        cursor.execute(sql.SQL(statement).format(**names))


def test_these_tables_are_evidence() -> None:
    assert evidence_tables() == TABLES


@each_table
def test_each_has_a_row_that_could_be_changed(judged: EvaluationRun, table: str) -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
        assert cursor.fetchone() > (0,)


@each_statement
@each_table
def test_the_application_has_no_right_to_change_it(judged: EvaluationRun, table: str, statement: str) -> None:
    with refusal("default") as caught:
        execute("default", statement, table)
    assert caught.value.__cause__.sqlstate == "42501"  # insufficient_privilege


@each_statement
@each_table
def test_the_owner_is_refused_by_a_trigger(judged: EvaluationRun, table: str, statement: str) -> None:
    with refusal("owner") as caught:
        execute("owner", statement, table)
    assert caught.value.__cause__.sqlstate == "23001"  # restrict_violation
    assert "this table is evidence and only takes new rows" in str(caught.value)


def test_saving_a_row_again_is_an_insert_that_fails(judged: EvaluationRun) -> None:
    result = RunResult.objects.get(run=judged)
    result.verdict = "fail"
    with refusal("default") as caught:
        result.save()
    assert caught.value.__cause__.sqlstate == "23505"  # unique_violation
