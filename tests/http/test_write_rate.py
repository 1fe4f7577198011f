"""The rate limit of writes, per token."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from qmtl_site.accounts import throttling
from tests.api import ApiClient
from tests.conftest import client_of
from tests.problem import nothing_written, refusal


@pytest.fixture
def slow(ready: ApiClient, settings: object) -> ApiClient:
    """A fresh token that may write twice a minute."""
    settings.WRITES_PER_MINUTE = 2  # type: ignore[attr-defined]
    return client_of(User.objects.get(username="root"))


def test_writes_over_the_limit_are_refused_with_the_time_to_wait(slow: ApiClient) -> None:
    codes = [slow.patch("/worlds/alpha", {"name": "A"}).status_code for _ in range(2)]
    with nothing_written():
        refused = slow.patch("/worlds/alpha", {"name": "B"})
    assert codes == [200, 200]
    assert refusal(refused) == (429, "E_RATE_LIMITED")
    assert 1 <= int(refused["Retry-After"]) <= 61


def test_reads_are_not_counted(slow: ApiClient) -> None:
    assert {slow.get("/worlds/alpha").status_code for _ in range(5)} == {200}


def test_another_token_has_its_own_count(slow: ApiClient) -> None:
    for _ in range(3):
        slow.patch("/worlds/alpha", {"name": "A"})
    other = client_of(User.objects.get(username="root"))
    assert other.patch("/worlds/alpha", {"name": "B"}).status_code == 200


def test_without_redis_nobody_is_refused(slow: ApiClient, settings: object) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # type: ignore[attr-defined]
    throttling.counter.cache_clear()
    try:
        codes = {slow.patch("/worlds/alpha", {"name": "A"}).status_code for _ in range(4)}
    finally:
        throttling.counter.cache_clear()
    assert codes == {200}
