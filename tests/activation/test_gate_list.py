"""Gate clients of a world, filtered: by strategy, and by whether their lease is valid by the database's clock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from strategies.models import GateClient, GateHold
from tests.activation.acting import Holder
from tests.api import ApiClient, body
from tests.problem import pointer, refusal

GATES = "/worlds/alpha/gates"


@pytest.fixture
def four(gates: ApiClient, holder: Any) -> ApiClient:
    """`lives` holds a and b, `lapsed` a, `revoked` a, `other` b."""
    holder("lives", "a", "b")
    lapsed: Holder = holder("lapsed", "a")
    lapsed.lapse()
    gone: Holder = holder("revoked", "a")
    assert gone.api.delete(f"{GATES}/revoked").status_code == 200
    holder("other", "b")
    return gates


def names(client: ApiClient, query: str) -> list[str]:
    return [each["client_id"] for each in body(client.get(f"{GATES}?{query}"))["items"]]


CASES: dict[str, list[str]] = {
    "": ["other", "revoked", "lapsed", "lives"],
    "strategy_id=a": ["revoked", "lapsed", "lives"],
    "strategy_id=nobody": [],
    "live=true": ["other", "lives"],
    "live=false": ["revoked", "lapsed"],
    "strategy_id=a&live=true": ["lives"],
    "strategy_id=b&live=true": ["other", "lives"],
    "strategy_id=a&live=false": ["revoked", "lapsed"],
}


def test_they_are_listed_by_strategy_and_by_lease(four: ApiClient) -> None:
    assert {query: names(four, query) for query in CASES} == CASES


def test_pages_of_a_filtered_list_are_the_list_in_pieces(four: ApiClient) -> None:
    first = body(four.get(f"{GATES}?strategy_id=a&limit=2"))
    assert names(four, f"strategy_id=a&limit=2&cursor={first['next_cursor']}") == ["lives"]


def test_whether_a_lease_is_valid_says_the_clock_of_the_database(four: ApiClient) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=9)):
        assert names(four, "live=true") == CASES["live=true"]


def test_another_word_than_true_or_false_is_refused(four: ApiClient) -> None:
    answer = four.get(f"{GATES}?live=maybe")
    assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), "?live")


def ended_before(number: int) -> None:
    """So many clients held the gate of `a` before: each restart elsewhere leaves one."""
    user, then = User.objects.first(), timezone.now() - timedelta(days=1)
    rows = GateClient.objects.bulk_create(
        GateClient(
            world_id="alpha", client_id=f"old-{n}", user=user, token_digest="t", secret_hash="s",
            registered_at=then + timedelta(seconds=n), lease_until=then, revoked_at=then, revoked_reason="ended",
        )
        for n in range(number)
    )  # fmt: skip
    GateHold.objects.bulk_create(GateHold(client=row, strategy_id="a", code_hash="c") for row in rows)


def test_what_has_ended_takes_no_query_more(four: ApiClient) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert names(four, "strategy_id=a&live=true") == ["lives"]
        return len(captured)

    few = queries()
    ended_before(200)
    GateClient.objects.filter(client_id__in=["lives", "other"]).update(lease_until=Now() + timedelta(hours=1))
    assert queries() == few
