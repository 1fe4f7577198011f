"""What tests of refusals look at: the problem document, and that nothing was written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.apps import apps
from django.http import HttpResponse

from tests.api import body

MEMBERS = {"type", "title", "status", "detail", "code", "error", "errors", "request_id"}
OURS = {
    "http",
    "ledger",
    "outbox",
    "audit",
    "blobs",
    "accounts",
    "worlds",
    "strategies",
    "evaluation",
    "rebalancing",
    "site_metrics",
    "knox",
}


def refusal(response: HttpResponse) -> tuple[int, str]:
    """Status and code of an answer that must be a problem document of the right shape."""
    assert response["Content-Type"] == "application/problem+json"
    document = body(response)
    assert document.keys() >= MEMBERS
    assert document["status"] == response.status_code
    assert document["error"] == document["code"]
    assert document["request_id"] == response["X-Request-ID"] != ""
    return response.status_code, document["code"]


def pointer(response: HttpResponse) -> str:
    """Where the first fault is."""
    found: str = body(response)["errors"][0]["pointer"]
    return found


@contextmanager
def nothing_written() -> Iterator[None]:
    before = rows()
    yield
    assert rows() == before


def rows() -> dict[str, int]:
    """Rows of each of our tables."""
    models = [model for model in apps.get_models() if model._meta.app_label in OURS]
    return {model._meta.db_table: model._default_manager.count() for model in models}
