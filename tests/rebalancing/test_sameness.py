"""The same run id with the same payload: whatever the spelling of its numbers, and whatever became of its worlds."""

from __future__ import annotations

from typing import Any

import pytest

from rebalancing.models import AllocationRecord, PlanRecord
from rebalancing.services.sameness import digest_of
from tests.api import ApiClient, body
from tests.problem import nothing_written, refusal
from tests.rebalancing.conftest import asked, position
from tests.rebalancing.executing import EXECUTE
from tests.rebalancing.test_allocations import said

ALLOCATIONS, APPLY = "/allocations", "/rebalancing/apply"
SPELLINGS: list[dict[str, Any]] = [
    {"total_equity": "100000"},
    {"total_equity": 100000.0},
    {"total_equity": "1e5"},
    {"total_equity": "+100000.000"},
    {
        "positions": [
            position("alpha", "mom", "BTC", "3.0", "1e4"),
            position("alpha", "rev", "ETH", 9.0, "1000"),
            position("beta", "carry", "BTC", "2", 10_000.0),
        ]
    },
]
APPLIED: list[dict[str, Any]] = [
    {"world_alloc_before": {"beta": "0.20", "alpha": ".3"}},
    {"mode": "scaling", "min_trade_notional": 0, "shared_account": False, "schema_version": 1},
    {"overlay": {}, "hybrid": {"default_cost_bps": "0"}, "rebalance_intent": {"meta": {}}, "etag": None},
]
ALLOCATED: list[dict[str, Any]] = [{"world_allocations": {"beta": "0.2", "alpha": "3e-1"}}, {"execute": None}]


@pytest.mark.parametrize("fields", [*SPELLINGS, *APPLIED])
def test_a_plan_is_the_same_however_its_numbers_are_spelt(desk: ApiClient, fields: dict[str, Any]) -> None:
    first = desk.post(APPLY, asked(run_id="r1"))
    with nothing_written():
        again = desk.post(APPLY, asked(run_id="r1", **fields))
    assert (again.status_code, again.content) == (200, first.content)


@pytest.mark.parametrize("fields", [*SPELLINGS, ALLOCATED[0]])
@pytest.mark.parametrize("execute", [False, True])
def test_an_allocation_is_the_same_however_its_numbers_are_spelt(
    desk: ApiClient, fields: dict[str, Any], execute: bool
) -> None:
    first = body(desk.post(ALLOCATIONS, said(execute=execute)))
    with nothing_written():
        again = desk.post(ALLOCATIONS, said(execute=execute, **fields))
    assert (again.status_code, body(again)["etag"]) == (200, first["etag"])


@pytest.mark.parametrize(
    ("fields", "places"),
    [
        ({"total_equity": "100000.1"}, ["/total_equity"]),
        ({"world_alloc_after": {"alpha": "0.2000000001", "beta": 0.3}}, ["/world_alloc_after/alpha"]),
        ({"min_trade_notional": 1, "mode": "hybrid"}, ["/min_trade_notional", "/mode"]),
        ({"strategy_alloc_before_total": {}}, ["/strategy_alloc_before_total"]),
        ({"rebalance_intent": {"meta": {"a": 1}}}, ["/rebalance_intent"]),
        ({"positions": []}, ["/positions"]),
        ({"reason": "another one"}, ["/reason"]),
    ],
)
def test_another_payload_is_told_where_it_differs(
    desk: ApiClient, fields: dict[str, Any], places: list[str]
) -> None:
    desk.post(APPLY, asked(run_id="r1"))
    answer = desk.post(APPLY, asked(run_id="r1", **fields))
    assert refusal(answer) == (409, "E_RUN_CONFLICT")
    assert [each["pointer"].rsplit("/meta")[0] for each in body(answer)["errors"]] == places
    assert "names a rebalancing that was recorded on" in body(answer)["detail"]


def test_who_may_not_read_the_record_is_not_told_what_is_in_it(desk: ApiClient, someone: Any) -> None:
    desk.post(APPLY, asked(run_id="r1"))
    half = {"world_alloc_before": {"alpha": 0.3}, "world_alloc_after": {"alpha": 0.3}, "positions": []}
    operator = someone("ann", world="alpha", roles=["operator"])
    answer = operator.post(APPLY, asked(run_id="r1", **half))
    assert [each["pointer"] for each in body(answer)["errors"]] == ["/run_id"]


def test_a_record_of_a_former_release_knows_its_payload_by_its_spelling(desk: ApiClient) -> None:
    """Its digest is of the document as it came."""
    desk.post(APPLY, asked(run_id="r1"))
    desk.post(ALLOCATIONS, said(run_id="a1"))
    kept = {row.run_id: row for row in (*PlanRecord.objects.all(), *AllocationRecord.objects.all())}
    for run_id, payload, path in (("r2", asked, APPLY), ("a2", said, ALLOCATIONS)):
        row = kept["r1" if run_id == "r2" else "a1"]
        row.pk, row._state.adding, row.run_id = None, True, run_id
        row.payload_hash = digest_of(payload(run_id=run_id))
        row.save()
        assert desk.post(path, payload(run_id=run_id)).status_code == 200


# --- a world that has retired since ---------------------------------------------------------------------
def test_what_was_answered_is_answered_again_when_a_world_has_retired(desk: ApiClient) -> None:
    first = {path: desk.post(path, payload) for path, payload in PAYLOADS.items()}
    executed = body(desk.post(EXECUTE, {"run_id": "r1"}))
    done = body(desk.post(ALLOCATIONS, said(run_id="a2", execute=True)))
    desk.delete("/worlds/beta?force=true")
    with nothing_written():
        again = {path: desk.post(path, payload) for path, payload in PAYLOADS.items()}
        assert body(desk.post(EXECUTE, {"run_id": "r1"})) == executed
        repeated = desk.post(ALLOCATIONS, said(run_id="a2", execute=True))
    assert {path: answer.status_code for path, answer in again.items()} == {APPLY: 200, ALLOCATIONS: 200}
    assert again[APPLY].content == first[APPLY].content
    assert body(again[ALLOCATIONS])["etag"] == body(first[ALLOCATIONS])["etag"]
    assert (repeated.status_code, body(repeated)["execution"]) == (200, done["execution"])


PAYLOADS = {ALLOCATIONS: said(run_id="a1"), APPLY: asked(run_id="r1")}


def test_nothing_new_is_taken_in_a_world_that_has_retired(desk: ApiClient) -> None:
    desk.post(APPLY, asked(run_id="r1"))
    desk.delete("/worlds/beta?force=true")
    for path, payload in (
        (APPLY, asked(run_id="r2")),
        (ALLOCATIONS, said(run_id="a2")),
        (ALLOCATIONS, said(run_id="a3", execute=True)),
        (EXECUTE, {"run_id": "r1"}),
        (EXECUTE, {"run_id": "r1", "dry_run": True}),
    ):
        with nothing_written():
            assert refusal(desk.post(path, payload)) == (409, "E_WORLD_RETIRED"), path
