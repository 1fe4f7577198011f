"""What a strategy is, as its owner changes it: versions rise with the code, and what changes nothing writes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from qmtl_site.audit.models import AuditEntry
from qmtl_site.outbox.models import OutboxEvent
from tests.api import ApiClient, results

CARD = {"description": "Long what rose.", "reviewed": "2026-01-05"}


@pytest.fixture
def mom(root: ApiClient) -> ApiClient:
    root.post("/strategies", {"id": "mom", "code_hash": "one", "model_card": CARD})
    return root


def changes() -> list[dict[str, object]]:
    entries = AuditEntry.objects.filter(action="strategy.update", object_id="mom").order_by("sequence")
    return [json.loads(entry.details)["fields"] for entry in entries]


def test_other_code_is_the_next_version(mom: ApiClient) -> None:
    told = mom.patch("/strategies/mom", {"code_hash": "two", "family": "trend"}).json()
    assert (told["version"], told["code_hash"], told["family"]) == (2, "two", "trend")
    assert changes() == [{"code_hash": "two", "family": "trend", "version": 2}]
    data = json.loads(OutboxEvent.objects.get(type="strategy.updated").document)["data"]
    assert (data["version"], data["fields"]) == (2, ["code_hash", "family", "version"])


def test_the_first_code_that_is_told_is_of_the_version_that_there_is(root: ApiClient) -> None:
    root.post("/strategies", {"id": "mom"})
    assert root.patch("/strategies/mom", {"code_hash": "one"}).json()["version"] == 1


def test_a_version_that_is_said_goes_before(mom: ApiClient) -> None:
    assert mom.patch("/strategies/mom", {"code_hash": "two", "version": 7}).json()["version"] == 7


def test_what_changes_nothing_writes_nothing(mom: ApiClient) -> None:
    etag = mom.get("/strategies/mom").headers["ETag"]
    again = mom.patch("/strategies/mom", {"code_hash": "one", "model_card": CARD}, if_match=etag)
    assert (again.status_code, again.headers["ETag"], changes()) == (200, etag, [])


def test_words_are_not_the_code(mom: ApiClient) -> None:
    told = mom.patch("/strategies/mom", {"model_card": {"description": "Long what rose for a year."}}).json()
    assert told["version"] == 1
    assert list(changes()[0]) == ["model_card"]


def test_only_its_owner_says_what_it_is(mom: ApiClient, someone: Callable[..., ApiClient]) -> None:
    mom.make_world(policy=None)
    mom.post("/worlds/alpha/bindings", {"strategies": ["mom"]})
    other = someone("ann", world="alpha", roles=["submitter"])
    assert other.patch("/strategies/mom", {"code_hash": "two"}).status_code == 403
    assert changes() == []


def test_runs_keep_what_they_had(mom: ApiClient) -> None:
    mom.make_world(policy=None)
    body = results(meta={"code_hash": "one"})
    mom.post("/worlds/alpha/strategies/mom/runs", {"run_id": "r1", "results": body})
    before = mom.get("/worlds/alpha/strategies/mom/runs/r1").json()
    mom.patch("/strategies/mom", {"code_hash": "two", "name": "Other", "model_card": {}})
    assert mom.get("/worlds/alpha/strategies/mom/runs/r1").json() == before
