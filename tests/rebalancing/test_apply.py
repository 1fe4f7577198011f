"""POST /rebalancing/apply: an approved plan is evidence, told once in each of its worlds."""

from __future__ import annotations

from typing import Any

import pytest

from rebalancing.models import PlanRecord, PositionSnapshot
from tests.api import ApiClient, body
from tests.problem import nothing_written, pointer, refusal
from tests.rebalancing.conftest import asked, events_of, position

APPLY = "/rebalancing/apply"


def test_a_plan_is_recorded_with_its_answer(desk: ApiClient) -> None:
    answer = desk.post(APPLY, asked(run_id="r1", schema_version=2, reason="monthly"))
    planned = body(desk.post("/rebalancing/plan", asked(schema_version=2)))
    assert answer.status_code == 201
    assert planned.items() <= body(answer).items()
    assert body(desk.get(answer["Location"])) == body(answer)


def test_the_same_again_answers_the_record_and_writes_nothing(desk: ApiClient) -> None:
    first = desk.post(APPLY, asked(run_id="r1"))
    with nothing_written():
        again = desk.post(APPLY, asked(run_id="r1"))
    assert (again.status_code, again.content) == (200, first.content)


def test_another_payload_is_refused(desk: ApiClient) -> None:
    desk.post(APPLY, asked(run_id="r1"))
    with nothing_written():
        assert refusal(desk.post(APPLY, asked(run_id="r1", total_equity=1))) == (409, "E_RUN_CONFLICT")


def test_each_world_is_told_its_own_part(desk: ApiClient) -> None:
    desk.post(APPLY, asked(run_id="r1", schema_version=2))
    for world, symbols in (("alpha", ["BTC", "ETH"]), ("beta", ["BTC"])):
        (told,) = events_of(desk, world, "rebalancing.planned")
        assert (told["run_id"], told["schema_version"], told["origin"]) == ("r1", 2, "request")
        assert told["per_world"].keys() == {world}
        assert [row["symbol"] for row in told["per_world"][world]["deltas"]] == symbols
        assert told["alpha_metrics"]["per_world"].keys() == {world}


def test_an_event_of_version_one_has_no_members_of_version_two(desk: ApiClient) -> None:
    desk.post(APPLY, asked(run_id="r1"))
    (told,) = events_of(desk, "alpha", "rebalancing.planned")
    assert told["schema_version"] == 1
    assert not told.keys() & {"alpha_metrics", "rebalance_intent"}


def test_it_is_audited_in_each_world(desk: ApiClient) -> None:
    desk.post(APPLY, asked(run_id="r1", reason="monthly"))
    for world in ("alpha", "beta"):
        entry = body(desk.get(f"/worlds/{world}/audit?limit=1"))["items"][0]
        assert (entry["action"], entry["object_id"], entry["details"]["reason"]) == (
            "rebalancing.apply",
            "r1",
            "monthly",
        )


def test_the_positions_of_each_world_are_kept(desk: ApiClient) -> None:
    desk.post(APPLY, asked(run_id="r1"))
    kept = PositionSnapshot.objects.order_by("world_id").values_list(
        "world_id", "origin", "count", "gross_notional"
    )
    assert list(kept) == [("alpha", "plan", 2, 39_000.0), ("beta", "plan", 1, 20_000.0)]


@pytest.mark.parametrize(
    ("fields", "status", "place"),
    [
        ({"world_alloc_before": {"nope": 0}, "world_alloc_after": {"nope": 0}, "positions": []}, 404,
         "/world_alloc_after/nope"),
        ({"positions": [position("alpha", "ghost", "B", 1, 1)]}, 422, "/positions/0/strategy_id"),
        ({"positions": [position("alpha", "carry", "B", 1, 1)]}, 422, "/positions/0/strategy_id"),
        ({"strategy_alloc_after_total": {"alpha": {"ghost": 0.1}}}, 422, "/strategy_alloc_after_total/alpha/ghost"),
        ({"positions": [position("alpha", "mom", "B", "0.1234567890123456789", 1)]}, 422, "/positions/0/qty"),
        ({"strategy_alloc_before_total": {"alpha": {"ghost": 0.1}}}, 422, "/strategy_alloc_before_total/alpha/ghost"),
        ({"world_alloc_before": {}, "world_alloc_after": {}, "positions": []}, 422, "/world_alloc_after"),
        ({"positions": [position("alpha", "mom", "A", 1, 1), position("alpha", "mom", "B", 1e17, 1e10)]}, 422,
         "/positions/1/qty"),
        ({"positions": [position("alpha", "mom", "B", 1e17, 1)], "world_alloc_before": {"alpha": 1e-9, "beta": 0}},
         422, "/positions/0/qty"),
        ({"total_equity": "1e-20"}, 422, "/total_equity"),
        ({"total_equity": "1.1234567890123456789"}, 422, "/total_equity"),
        ({"etag": 5}, 422, "/etag"),
        ({"etag": {"alpha": 5}}, 422, "/etag"),
        ({"world_alloc_after": {"": 0.1}}, 422, "/world_alloc_after/"),
        ({"run_id": "latest"}, 422, "/run_id"),
        ({"run_id": "a b"}, 422, "/run_id"),
    ],
)  # fmt: skip
def test_what_a_plan_may_ask_and_an_apply_may_not(
    desk: ApiClient, fields: dict[str, Any], status: int, place: str
) -> None:
    with nothing_written():
        answer = desk.post(APPLY, asked(**{"run_id": "r1", **fields}))
        assert (answer.status_code, pointer(answer)) == (status, place)


@pytest.mark.parametrize(
    ("roles", "status"),
    [
        ({"alpha": "operator", "beta": "operator"}, 201),
        ({"alpha": "owner", "beta": "operator"}, 201),
        ({"alpha": "operator", "beta": "viewer"}, 403),
        ({"alpha": "operator", "beta": "risk"}, 403),
        ({"alpha": "operator"}, 404),
        ({}, 404),
    ],
)
def test_it_takes_the_operator_of_each_world(
    desk: ApiClient, someone: Any, roles: dict[str, str], status: int
) -> None:
    for world, role in roles.items():
        who = someone("ann", world=world, roles=[role])
    who = someone("ann")
    assert who.post(APPLY, asked(run_id="r1")).status_code == status
    assert PlanRecord.objects.count() == (status == 201)


def test_a_record_is_read_with_a_role_in_each_of_its_worlds(desk: ApiClient, someone: Any) -> None:
    desk.post(APPLY, asked(run_id="r1"))
    someone("ann", world="alpha", roles=["viewer"])
    assert someone("ann").get("/rebalancing/runs/r1").status_code == 404
    someone("ann", world="beta", roles=["viewer"])
    assert someone("ann").get("/rebalancing/runs/r1").status_code == 200


def test_a_retired_world_takes_no_plan(desk: ApiClient) -> None:
    desk.delete("/worlds/beta")
    assert refusal(desk.post(APPLY, asked(run_id="r1"))) == (409, "E_WORLD_RETIRED")


def test_a_plan_on_allocations_that_have_changed_is_refused(desk: ApiClient) -> None:
    said = {
        "run_id": "a1",
        "total_equity": 100_000,
        "world_allocations": {"alpha": 0.3, "beta": 0.2},
        "positions": [],
    }
    etag = body(desk.post("/allocations", said))["etag"]
    assert desk.post(APPLY, asked(run_id="r1", etag=etag)).status_code == 201
    desk.post("/allocations", {**said, "run_id": "a2"})
    with nothing_written():
        assert refusal(desk.post(APPLY, asked(run_id="r2", etag=etag))) == (412, "E_PRECONDITION")
    now = {world: each["etag"] for world, each in body(desk.get("/allocations"))["allocations"].items()}
    assert desk.post(APPLY, asked(run_id="r3", etag=now)).status_code == 201
