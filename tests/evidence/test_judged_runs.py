"""A run moves on; what it is, and when it was judged, does not change, whoever asks."""

from __future__ import annotations

from typing import LiteralString

import pytest
from django.db import connections

from evaluation.models import EvaluationRun
from tests.evidence.test_append_only_tables import refusal

each_role = pytest.mark.parametrize("role", ["default", "owner"])


@each_role
@pytest.mark.parametrize(
    "change",
    [
        "stage = 'live'",
        "run_id = 'other'",
        "world_id = 'beta'",
        "strategy_id = 'other'",
        "strategy_version = 9",
        "family_key = 'mine'",
        "request_hash = ''",
        "created_at = now()",
        "created_by_id = NULL",
        "evaluated_at = now()",
        "evaluated_at = NULL",
        "evaluated_at = now(), status = 'activated'",
        "evaluated_at = NULL, status = 'expired'",
        "code_hash = 'other'",
        "code_hash = 'other', status = 'activated'",
        "status_reason = 'other'",
        "status = 'evaluating'",
        "status = 'submitted'",
    ],
)
def test_a_judged_run_is_not_changed(judged: EvaluationRun, role: str, change: LiteralString) -> None:
    with refusal(role) as caught, connections[role].cursor() as cursor:
        cursor.execute("UPDATE evaluation_evaluationrun SET " + change + " WHERE run_id = 'r1'")
    assert caught.value.__cause__.sqlstate == "23001"  # restrict_violation


@each_role
@pytest.mark.parametrize("change", ["stage = 'live'", "run_id = 'other'", "created_at = now()"])
def test_an_open_run_stays_what_it_is(judged: EvaluationRun, role: str, change: LiteralString) -> None:
    with refusal(role) as caught, connections[role].cursor() as cursor:
        cursor.execute("UPDATE evaluation_evaluationrun SET " + change + " WHERE run_id = 'r2'")
    assert "what a run is does not change" in str(caught.value)


@each_role
@pytest.mark.parametrize("change", ["evaluated_at = now()", "evaluated_at = now(), status = 'expired'"])
def test_a_run_that_was_not_judged_gets_no_time_of_a_verdict(
    judged: EvaluationRun, role: str, change: LiteralString
) -> None:
    with refusal(role) as caught, connections[role].cursor() as cursor:
        cursor.execute("UPDATE evaluation_evaluationrun SET " + change + " WHERE run_id = 'r2'")
    assert "only judging a run says when it was judged" in str(caught.value)


@each_role
@pytest.mark.parametrize("run_id", ["r1", "r2"])
def test_no_run_is_deleted(judged: EvaluationRun, role: str, run_id: str) -> None:
    with refusal(role) as caught, connections[role].cursor() as cursor:
        cursor.execute("DELETE FROM evaluation_evaluationrun WHERE run_id = %s", [run_id])
    assert "runs are not deleted" in str(caught.value)


@pytest.mark.parametrize(("role", "sqlstate"), [("default", "42501"), ("owner", "23001")])
def test_runs_are_not_truncated(judged: EvaluationRun, role: str, sqlstate: str) -> None:
    with refusal(role) as caught, connections[role].cursor() as cursor:
        cursor.execute("TRUNCATE evaluation_evaluationrun CASCADE")
    assert caught.value.__cause__.sqlstate == sqlstate
