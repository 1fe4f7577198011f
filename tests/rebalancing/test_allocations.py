"""POST and GET /allocations: how much each world has."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from rebalancing.models import Allocation, AllocationRecord, PositionSnapshot
from strategies.models import Binding
from tests.api import ApiClient, body
from tests.problem import nothing_written, pointer, refusal
from tests.rebalancing.conftest import asked, position

ALLOCATIONS = "/allocations"


def said(**fields: Any) -> dict[str, Any]:
    return {
        "run_id": "a1",
        "total_equity": 100_000,
        "world_allocations": {"alpha": 0.3, "beta": 0.2},
        "positions": asked()["positions"],
        **fields,
    }


def test_what_is_said_is_what_is_read(desk: ApiClient) -> None:
    answer = desk.post(ALLOCATIONS, said(strategy_alloc_after_total={"alpha": {"mom": 0.1, "rev": 0.2}}))
    assert answer.status_code == 201
    now = body(desk.get(ALLOCATIONS))["allocations"]
    assert {
        k: now["alpha"][k] for k in ("allocation", "strategy_alloc_total", "run_id", "stale", "etag")
    } == {
        "allocation": 0.3,
        "strategy_alloc_total": {"mom": 0.1, "rev": 0.2},
        "run_id": "a1",
        "stale": False,
        "etag": body(answer)["etag"],
    }


def test_history_and_positions_are_kept(desk: ApiClient) -> None:
    desk.post(ALLOCATIONS, said())
    desk.post(ALLOCATIONS, said(run_id="a2", world_allocations={"alpha": 0.1, "beta": 0.2}))
    assert AllocationRecord.objects.filter(world="alpha").count() == 2
    assert PositionSnapshot.objects.filter(world="alpha", origin="request").count() == 2
    assert Allocation.objects.get(world="alpha").run_id == "a2"


def test_the_same_again_writes_nothing_and_another_payload_is_refused(desk: ApiClient) -> None:
    first = body(desk.post(ALLOCATIONS, said()))
    with nothing_written():
        again = desk.post(ALLOCATIONS, said())
        assert (again.status_code, body(again)) == (200, first)
        assert refusal(desk.post(ALLOCATIONS, said(total_equity=5))) == (409, "E_RUN_CONFLICT")


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"world_allocations": {"alpha": 1.2, "beta": 0}}, "/world_allocations/alpha"),
        ({"world_allocations": {"alpha": -0.1, "beta": 0}}, "/world_allocations/alpha"),
        ({"world_allocations": {"alpha": 0.7, "beta": 0.4}}, "/world_allocations"),
        ({"world_allocations": {"alpha": 0.7}}, "/positions/2/world_id"),
        ({"world_allocations": {}}, "/world_allocations"),
        ({"strategy_alloc_after_total": {"alpha": {"mom": 0.4}}}, "/strategy_alloc_after_total/alpha"),
        ({"strategy_alloc_after_total": {"gamma": {}}}, "/strategy_alloc_after_total/gamma"),
        ({"positions": [position("alpha", "ghost", "B", 1, 1)]}, "/positions/0/strategy_id"),
        ({"total_equity": 0}, "/total_equity"),
        ({"total_equity": "1e-20"}, "/total_equity"),
    ],
)
@pytest.mark.parametrize("execute", [False, True])
def test_bad_fractions_are_refused_with_their_place(
    desk: ApiClient, fields: dict[str, Any], place: str, execute: bool
) -> None:
    with nothing_written():
        answer = desk.post(ALLOCATIONS, said(execute=execute, **fields))
        assert (refusal(answer), pointer(answer)) == ((422, "E_VALIDATION"), place)


def test_sums_may_be_above_one_by_what_floats_lose(desk: ApiClient) -> None:
    sums = {"alpha": 0.8, "beta": 0.2 + 1e-10}
    assert desk.post(ALLOCATIONS, said(world_allocations=sums)).status_code == 201


def test_an_etag_that_has_moved_is_refused(desk: ApiClient) -> None:
    etag = body(desk.post(ALLOCATIONS, said()))["etag"]
    assert desk.post(ALLOCATIONS, said(run_id="a2", etag=etag)).status_code == 201
    with nothing_written():
        assert refusal(desk.post(ALLOCATIONS, said(run_id="a3", etag=etag))) == (412, "E_PRECONDITION")


def test_with_execute_the_way_there_is_traded(desk: ApiClient) -> None:
    desk.post(ALLOCATIONS, said())
    moved = said(run_id="a2", world_allocations={"alpha": 0.2, "beta": 0.3}, execute=True)
    answer = body(desk.post(ALLOCATIONS, moved))
    assert answer["execution"]["status"] == "completed"
    assert [order["qty"] for order in answer["execution"]["orders"]] == [1, 3, 1]
    assert {w: each["allocation"] for w, each in answer["allocations"].items()} == {"alpha": 0.2, "beta": 0.3}
    with nothing_written():
        assert desk.post(ALLOCATIONS, moved).status_code == 200


@pytest.mark.parametrize("execute", [False, True])
def test_a_world_that_is_not_there_is_told_where_it_stands(desk: ApiClient, execute: bool) -> None:
    answer = desk.post(ALLOCATIONS, said(world_allocations={"nope": 0.1}, positions=[], execute=execute))
    assert (refusal(answer), pointer(answer)) == ((404, "E_NOT_FOUND"), "/world_allocations/nope")


def test_where_nothing_changes_nothing_is_traded(desk: ApiClient) -> None:
    long = {"alpha": "0.123456789012345678901234567891", "beta": 0.2}
    desk.post(ALLOCATIONS, said(world_allocations=long))
    answer = desk.post(ALLOCATIONS, said(run_id="a2", world_allocations=long, execute=True))
    assert (answer.status_code, body(answer)["execution"]["orders"]) == (201, [])


def test_a_strategy_that_has_left_its_world_does_not_stop_the_next_allocation(desk: ApiClient) -> None:
    desk.post(ALLOCATIONS, said(strategy_alloc_after_total={"alpha": {"mom": 0.1, "rev": 0.1}}))
    leave = Binding.objects.get(world="alpha", strategy="rev")
    Binding.objects.filter(pk=leave.pk).update(state=Binding.State.ARCHIVED)
    rows = [position("alpha", "mom", "BTC", 3, 10_000)]
    fractions = {"world_allocations": {"alpha": 0.2}, "strategy_alloc_after_total": {"alpha": {"mom": 0.05}}}
    answer = desk.post(ALLOCATIONS, said(run_id="a2", positions=rows, execute=True, **fractions))
    assert (answer.status_code, body(answer)["execution"]["orders"][0]["qty"]) == (201, 1.5)


def test_an_allocation_grows_stale(desk: ApiClient) -> None:
    desk.post(ALLOCATIONS, said())
    Allocation.objects.filter(world="alpha").update(updated_at=timezone.now() - timedelta(days=8))
    now = body(desk.get(ALLOCATIONS))["allocations"]
    assert [now[world]["stale"] for world in ("alpha", "beta")] == [True, False]


def test_one_sees_the_worlds_in_which_one_has_a_role(desk: ApiClient, someone: Any) -> None:
    desk.post(ALLOCATIONS, said())
    viewer = someone("ann", world="alpha", roles=["viewer"])
    assert body(viewer.get(ALLOCATIONS))["allocations"].keys() == {"alpha"}
    assert viewer.get(f"{ALLOCATIONS}?world_id=beta").status_code == 404
    assert viewer.post(ALLOCATIONS, said()).status_code == 404
    assert body(desk.get(f"{ALLOCATIONS}?world_id=beta"))["allocations"].keys() == {"beta"}


def test_strategies_keep_their_part_of_a_world_that_was_rebalanced(desk: ApiClient) -> None:
    desk.post(ALLOCATIONS, said(strategy_alloc_after_total={"alpha": {"mom": 0.2, "rev": 0.1}}))
    desk.post("/rebalancing/apply", asked(run_id="r1"))
    desk.post("/rebalancing/execute", {"run_id": "r1"})
    now = body(desk.get(ALLOCATIONS))["allocations"]["alpha"]
    assert now["strategy_alloc_total"] == pytest.approx({"mom": 0.4 / 3, "rev": 0.2 / 3})
    assert sum(now["strategy_alloc_total"].values()) <= now["allocation"]


@pytest.mark.parametrize("version", [None, 1, 2, 3])
def test_the_execution_is_told_in_the_version_that_was_asked_for(
    desk: ApiClient, version: int | None
) -> None:
    asked = said(execute=True) | ({} if version is None else {"schema_version": version})
    execution = body(desk.post(ALLOCATIONS, asked))["execution"]
    assert execution["schema_version"] == min(version or 1, 2)
    assert ("alpha_metrics" in execution) == ((version or 1) >= 2)
