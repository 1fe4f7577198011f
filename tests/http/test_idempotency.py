"""Idempotency-Key: a creation that is sent twice happens once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.utils import timezone

from qmtl_site.http.idempotency import forget_old_keys
from qmtl_site.http.models import IdempotencyKey
from tests.api import POLICY, ApiClient, body
from tests.conftest import client_of
from tests.problem import nothing_written, refusal
from worlds.models import PolicyVersion, World

RUNS = "/worlds/alpha/strategies/mom/runs"


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/worlds", {"id": "beta"}),
        ("/strategies", {"id": "rev"}),
        ("/worlds/alpha/policy", POLICY),
        ("/worlds/alpha/policies", POLICY),
        (RUNS, {}),
    ],
)
def test_the_same_creation_again_gives_the_first_answer(ready: ApiClient, path: str, document: Any) -> None:
    first = ready.post(path, document, idempotency_key="k1")
    with nothing_written():
        again = ready.post(path, document, idempotency_key="k1")
    assert first.status_code in {201, 202}
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(
    ("path", "document"), [("/worlds", {"id": "gamma"}), ("/strategies", {"id": "beta"})]
)
def test_the_key_with_another_request_is_a_conflict(ready: ApiClient, path: str, document: Any) -> None:
    ready.post("/worlds", {"id": "beta"}, idempotency_key="k1")
    with nothing_written():
        assert refusal(ready.post(path, document, idempotency_key="k1")) == (409, "E_IDEMPOTENCY")


def test_a_yaml_policy_may_carry_a_key(ready: ApiClient) -> None:
    for _ in range(2):
        answer = ready.post(
            "/worlds/alpha/policies", "version: 1", idempotency_key="k1", content_type="application/yaml"
        )
        assert (answer.status_code, body(answer)["version"]) == (201, 2)
    assert PolicyVersion.objects.count() == 2


def test_a_refusal_is_not_kept(ready: ApiClient) -> None:
    assert refusal(ready.post("/worlds", {"id": "Alpha"}, idempotency_key="k1")) == (409, "E_WORLD_EXISTS")
    assert not IdempotencyKey.objects.exists()
    assert ready.post("/worlds", {"id": "beta"}, idempotency_key="k1").status_code == 201


def test_keys_of_two_users_do_not_meet(ready: ApiClient) -> None:
    ready.post("/worlds", {"id": "beta"}, idempotency_key="k1")
    other = client_of(User.objects.create(username="other", is_superuser=True))
    assert other.post("/worlds", {"id": "gamma"}, idempotency_key="k1").status_code == 201


@pytest.mark.parametrize("key", ["", "a" * 201, "a\tb"])
def test_a_bad_key_is_refused(ready: ApiClient, key: str) -> None:
    with nothing_written():
        assert refusal(ready.post("/worlds", {"id": "beta"}, idempotency_key=key)) == (400, "E_MALFORMED")


def test_a_key_is_free_again_after_a_day(ready: ApiClient) -> None:
    ready.post("/worlds", {"id": "beta"}, idempotency_key="k1")
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert ready.post("/worlds", {"id": "gamma"}, idempotency_key="k1").status_code == 201


def test_old_keys_are_forgotten(ready: ApiClient) -> None:
    ready.post("/worlds", {"id": "beta"}, idempotency_key="old")
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    ready.post("/worlds", {"id": "gamma"}, idempotency_key="new")
    assert forget_old_keys() == 1
    assert [kept.key for kept in IdempotencyKey.objects.all()] == ["new"]


def in_threads(count: int, call: Any) -> list[Any]:
    """What `count` threads get that start together; each closes its connection."""

    def work(number: int) -> Any:
        try:
            return call(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count)))


@pytest.mark.usefixtures("committed")
def test_eight_callers_with_one_key_make_one_world() -> None:
    root = client_of(User.objects.create(username="root", is_superuser=True))

    def create(number: int) -> tuple[int, bytes]:
        client = ApiClient(root.token)
        answer = client.post("/worlds", {"id": "beta"}, idempotency_key="k1")
        return answer.status_code, answer.content

    answers = in_threads(8, create)
    assert World.objects.count() == 1
    assert {status for status, _ in answers} == {201}
    assert len({content for _, content in answers}) == 1


@pytest.mark.usefixtures("committed")
def test_eight_callers_without_a_key_make_one_world_and_seven_conflicts() -> None:
    token = client_of(User.objects.create(username="root", is_superuser=True)).token
    statuses = in_threads(8, lambda n: ApiClient(token).post("/worlds", {"id": "beta"}).status_code)
    assert sorted(statuses) == [201, *[409] * 7]


@pytest.mark.usefixtures("committed")
def test_eight_callers_with_one_run_id_make_one_run() -> None:
    root = client_of(User.objects.create(username="root", is_superuser=True))
    root.make_world()
    root.make_strategy()
    statuses = in_threads(8, lambda n: ApiClient(root.token).post(RUNS, {"run_id": "r1"}).status_code)
    assert sorted(statuses) == [*[200] * 7, 202]
