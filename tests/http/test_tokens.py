"""Who gets in: tokens that are missing, wrong, expired, revoked, or of another world."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from knox.models import AuthToken

from tests.api import ApiClient, body
from tests.problem import nothing_written, refusal

# An ordinary read, and reads that authenticate in the statement that finds the document.
READS = [
    "/worlds/alpha",
    "/worlds/alpha/strategies/mom/runs/r1",
    "/worlds/alpha/strategies/mom/runs/r1/metrics",
    "/worlds/alpha/strategies/mom/runs/latest/metrics",
    "/worlds/alpha/snapshots/alpha-mom-r1",
]
Someone = Callable[..., ApiClient]


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer x", "Basic YTpi", "Bearer " + "a" * 64, "Bearer é", "Bearer a b"],
)
def test_without_a_good_token_nothing_is_read(judged: ApiClient, header: str) -> None:
    for path in READS:
        answer = ApiClient(None).get(path, authorization=header)
        assert refusal(answer) == (401, "E_UNAUTHENTICATED"), path
        assert answer["WWW-Authenticate"].startswith("Bearer")


def test_without_a_token_nothing_is_written(ready: ApiClient) -> None:
    with nothing_written():
        assert refusal(ApiClient(None).post("/worlds", {"id": "x"})) == (401, "E_UNAUTHENTICATED")


@pytest.mark.parametrize("path", READS)
def test_an_expired_token_is_refused(judged: ApiClient, path: str) -> None:
    _, text = AuthToken.objects.create(User.objects.get(username="root"), expiry=timedelta(hours=-1))
    assert refusal(ApiClient(text).get(path)) == (401, "E_UNAUTHENTICATED")


@pytest.mark.parametrize("path", READS)
def test_a_revoked_token_is_refused_at_the_next_request(judged: ApiClient, path: str) -> None:
    issued = body(judged.post("/tokens", {}))
    client = ApiClient(issued["token"])
    assert client.get(path).status_code == 200
    assert judged.delete(f"/tokens/{issued['token_key']}").status_code == 204
    assert refusal(client.get(path)) == (401, "E_UNAUTHENTICATED")


@pytest.mark.parametrize("path", READS)
def test_a_user_who_is_deactivated_is_refused(judged: ApiClient, someone: Someone, path: str) -> None:
    ann = someone("ann", world="alpha", roles=["viewer"])
    assert ann.get(path).status_code == 200
    User.objects.filter(username="ann").update(is_active=False)
    assert refusal(ann.get(path)) == (401, "E_UNAUTHENTICATED")


@pytest.mark.parametrize("path", READS)
def test_a_token_of_another_world_finds_nothing(judged: ApiClient, someone: Someone, path: str) -> None:
    judged.make_world("beta", policy=None)
    assert refusal(someone("ann", world="beta", roles=["owner"]).get(path)) == (404, "E_NOT_FOUND")


@pytest.mark.parametrize("path", READS)
def test_a_role_that_was_taken_away_counts_no_more(judged: ApiClient, someone: Someone, path: str) -> None:
    ann = someone("ann", world="alpha", roles=["viewer"])
    assert ann.get(path).status_code == 200
    assert judged.delete("/worlds/alpha/roles", {"user": "ann", "role": "viewer"}).status_code == 200
    assert refusal(ann.get(path)) == (404, "E_NOT_FOUND")


def test_a_world_that_is_not_one_s_own_is_not_listed(ready: ApiClient, someone: Someone) -> None:
    ann = someone("ann")
    assert body(ann.get("/worlds"))["items"] == body(ann.get("/strategies"))["items"] == []


def test_several_roles_list_a_world_once(ready: ApiClient, someone: Someone) -> None:
    ann = someone("ann", world="alpha", roles=["viewer", "risk", "owner"])
    assert [world["id"] for world in body(ann.get("/worlds"))["items"]] == ["alpha"]


def test_only_a_superuser_issues_tokens_for_others(someone: Someone) -> None:
    ann, _ = someone("ann"), someone("bob")
    with nothing_written():
        assert refusal(ann.post("/tokens", {"user": "bob"})) == (403, "E_FORBIDDEN")


def test_somebody_else_s_token_cannot_be_revoked(ready: ApiClient, someone: Someone) -> None:
    ann, key = someone("ann"), body(ready.post("/tokens", {}))["token_key"]
    with nothing_written():
        assert refusal(ann.delete(f"/tokens/{key}")) == (404, "E_NOT_FOUND")


def test_a_label_is_kept_beside_the_user_of_the_token(ready: ApiClient) -> None:
    ready.patch("/worlds/alpha", {"name": "A"}, x_actor="desk 7")
    (newest,) = body(ready.get("/worlds/alpha/audit?limit=1"))["items"]
    assert (newest["actor"], newest["actor_label"]) == ("root", "desk 7")


def test_another_owner_s_strategy_cannot_be_bound_or_submitted(ready: ApiClient, someone: Someone) -> None:
    ann = someone("ann", world="alpha", roles=["submitter"])
    with nothing_written():
        assert refusal(ann.post("/worlds/alpha/bindings", {"strategies": ["mom"]})) == (403, "E_FORBIDDEN")
        assert refusal(ann.post("/worlds/alpha/strategies/mom/runs", {})) == (403, "E_FORBIDDEN")


@pytest.mark.parametrize(
    ("role", "stage"), [("submitter", "paper"), ("submitter", "live"), ("runner", "backtest")]
)
def test_a_stage_needs_its_role(ready: ApiClient, someone: Someone, role: str, stage: str) -> None:
    ready.post("/worlds/alpha/bindings", {"strategies": ["mom"]})
    client = someone("ann", world="alpha", roles=[role])
    assert refusal(client.post("/worlds/alpha/strategies/mom/runs", {"stage": stage}))[0] == 403


def test_a_new_owner_of_a_world_has_the_role(ready: ApiClient, someone: Someone) -> None:
    ann = someone("ann")
    ready.patch("/worlds/alpha", {"owner": "ann"})
    assert ann.patch("/worlds/alpha", {"name": "Mine"}).status_code == 200
