"""schemathesis over the published schema: no 5xx and no answer that the schema does not tell of.

Path parameters mostly point at what exists, so that requests reach the use cases; each example is undone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi import checks

from qmtl_site.wsgi import application
from tests.api import ApiClient, results
from tests.kept import Keep

load_all_checks()
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
]
KNOWN = {
    "world_id": "alpha",
    "strategy_id": "mom",
    "run_id": "r1",
    "version": 1,
    "snapshot_id": "alpha-mom-r1",
    "decision_id": "latest",
    "promotion_id": 1,
    "client_id": "g1",
}


schema = schemathesis.openapi.from_wsgi("/schema/?format=json", application)


@pytest.fixture(scope="module")
def more_runs(keep: Keep, gated_rows: None) -> None:
    with keep("more_runs", on="gated_rows") as root:
        for given in ({"run_id": "open"}, {"run_id": "waiting", "results": results()}):
            assert root.post("/worlds/alpha/strategies/mom/runs", given).status_code == 202


@pytest.fixture
def token(more_runs: None, gated: ApiClient) -> Iterator[str | None]:
    """A superuser's, in a world with a judged run, an open one, one that waits, and an apply in flight."""
    # As Django's own test client does: the connection holds the test's transaction.
    for moment in (request_started, request_finished):
        moment.disconnect(close_old_connections)
    yield gated.token
    for moment in (request_started, request_finished):
        moment.connect(close_old_connections)


@schema.parametrize()
@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_no_answer_is_a_failure_or_undocumented(case: Case, token: str) -> None:
    case.path_parameters = {**(case.path_parameters or {}), **known_for(case)}
    with transaction.atomic():
        response = case.call(headers={"Authorization": f"Bearer {token}"})
        transaction.set_rollback(True)
    case.validate_response(response, checks=CHECKS)


def known_for(case: Case) -> dict[str, Any]:
    given = case.path_parameters or {}
    run = "waiting" if case.path.endswith("/results") else "open" if case.method == "PATCH" else "r1"
    return {name: value for name, value in {**KNOWN, "run_id": run}.items() if name in given}
