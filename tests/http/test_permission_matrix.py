"""Every endpoint with every kind of caller, by real requests; and the page that says so."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import transaction

from qmtl_site.accounts.access import Kind
from qmtl_site.accounts.models import Role
from qmtl_site.permissions import COLUMNS, Endpoint, endpoints
from tests.api import ApiClient, body

DOCS = Path(__file__).parents[2] / "docs"
VALUES = {
    "world_id": "alpha",
    "strategy_id": "mom",
    "run_id": "r1",
    "snapshot_id": "alpha-mom-r1",
    "version": "1",
    "decision_id": "latest",
    "promotion_id": "1",
    "client_id": "g1",
    "token_key": "0" * 8,
}


@pytest.fixture
def caller(judged: ApiClient, someone: Callable[..., ApiClient]) -> Callable[[str], ApiClient]:
    def make(column: str) -> ApiClient:
        match column:
            case "no token":
                return ApiClient(None)
            case "superuser":
                return judged
            case "token":
                return someone("nobody")
        return someone(f"the-{column}", world="alpha", roles=[column])

    return make


@pytest.mark.parametrize("column", COLUMNS)
def test_each_door_opens_for_whom_the_matrix_says(
    gated: ApiClient, caller: Callable[[str], ApiClient], column: str
) -> None:
    client = caller(column)
    snapshot = body(gated.get("/worlds/alpha/snapshots/alpha-mom-r1"))
    values = {**VALUES, "sha256": snapshot["storage_refs"]["sha256"]["full_returns_series"]}
    wrong = {}
    for endpoint in endpoints():
        path = re.sub(r"<\w+:(\w+)>", lambda match: values[match[1]], endpoint.path)
        status = knock(client, endpoint.method, path)
        if not is_expected(status, endpoint, column):
            wrong[endpoint.method, endpoint.path] = status
    assert wrong == {}


def knock(client: ApiClient, method: str, path: str) -> int:
    """The answer's status; whatever happened behind the door is undone."""
    with transaction.atomic():
        status = client.call(method, path, {"not": "known"}).status_code
        transaction.set_rollback(True)
    return status


def is_expected(status: int, endpoint: Endpoint, column: str) -> bool:
    in_world = endpoint.access.kind is Kind.WORLD
    if endpoint.admits(column):
        return status not in ({401, 403, 404} if in_world else {401, 403}) and status < 500
    if column == "no token":
        return status == 401
    return status == (404 if in_world and column == "token" else 403)


def test_every_endpoint_declares_who_may_call_it() -> None:
    assert len({(endpoint.method, endpoint.path) for endpoint in endpoints()}) >= 35


def test_risk_and_operator_do_not_include_each_other() -> None:
    doors = {(e.method, e.path): e for e in endpoints() if e.access.kind is Kind.WORLD and e.method != "GET"}
    state, activate = (
        doors["POST", "/worlds/<id:world_id>/state"],
        doors["POST", "/worlds/<id:world_id>/policies/<version:version>/activate"],
    )
    assert [e.admits(Role.OPERATOR) for e in (state, activate)] == [True, False]
    assert [e.admits(Role.RISK) for e in (state, activate)] == [False, True]


def test_the_risk_role_resets_the_breaker_and_the_operator_engages_it(
    caller: Callable[[str], ApiClient],
) -> None:
    def pull(column: str, engaged: bool) -> int:
        document = {"engaged": engaged, "reason": "a test"}
        return caller(column).post("/worlds/alpha/circuit-breaker", document).status_code

    assert [pull("risk", True), pull("operator", True)] == [403, 200]
    assert [pull("operator", False), pull("risk", False)] == [403, 200]


@pytest.mark.parametrize("page", ["permissions", "errors"])
def test_the_generated_page_is_up_to_date(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    call_command(f"document_{page}")
    assert (DOCS / f"{page}.md").read_text() == capsys.readouterr().out


def test_the_page_of_errors_has_every_code(root: ApiClient) -> None:
    codes = set(re.findall(r"`(E_\w+)`", (DOCS / "errors.md").read_text()))
    assert {"E_VALIDATION", "E_RUN_CONFLICT", "E_RUN_FINAL", "E_WORLD_RETIRED", "E_TOO_LARGE"} <= codes
    assert body(root.get("/nope"))["code"] in codes
