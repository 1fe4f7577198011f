"""A plan with more orders than one call sends goes on with each call, and costs the same per order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest
from django.utils import timezone

from qmtl_site.http.refusals import Invalid
from rebalancing.models import AllocationRecord, Order
from rebalancing.selectors.executions import number
from rebalancing.services import batches, executing
from rebalancing.services.orders import refuse_too_large
from tests.api import ApiClient, body
from tests.problem import nothing_written, refusal
from tests.rebalancing.conftest import position
from tests.rebalancing.executing import EXECUTE, apply, execute


def many(count: int) -> dict[str, Any]:
    return {
        "world_alloc_before": {"alpha": 0.5},
        "world_alloc_after": {"alpha": 0.25},
        "positions": [position("alpha", "mom", f"S{number:04}", 2, 10) for number in range(count)],
    }


def test_each_call_sends_as_many_as_it_has_time_for(desk: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MOST_ORDERS", 2)
    apply(desk, **many(5))
    seen = []
    for _ in range(3):
        document = execute(desk)
        filled = [order["symbol"] for order in document["orders"] if order["status"] == "filled"]
        seen.append((document["status"], len(filled), document["reconciliation"]["meets_plan"]))
        assert filled == sorted(filled)
        if document["status"] == "running":
            assert body(desk.get("/allocations"))["allocations"] == {}
    assert seen == [("running", 2, False), ("running", 4, False), ("completed", 5, True)]
    with nothing_written():
        assert execute(desk) == document


def test_the_first_call_of_very_many_only_makes_them(
    desk: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executing, "MOST_MADE", 4)
    apply(desk, **many(5))
    made = execute(desk)
    assert (made["status"], {order["status"] for order in made["orders"]}) == ("running", {"new"})
    assert execute(desk)["status"] == "completed"


def test_orders_are_written_in_one_statement_not_in_a_case_each(
    desk: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("bulk_update")

    monkeypatch.setattr("django.db.models.query.QuerySet.bulk_update", never)
    apply(desk, **many(30))
    assert execute(desk)["status"] == "completed"
    assert Order.objects.filter(status="filled", filled_qty=1, average_price=10).count() == 30


def test_a_run_id_that_allocated_by_itself_executes_nothing(desk: ApiClient) -> None:
    apply(desk, **many(1))
    AllocationRecord.objects.create(
        world_id="alpha",
        allocation="0.2",
        total_equity=100,
        run_id="r1",
        etag="x",
        origin="request",
        payload_hash="x",
        actor="ann",
        at=timezone.now(),
    )
    with nothing_written():
        assert refusal(desk.post(EXECUTE, {"run_id": "r1"})) == (409, "E_RUN_CONFLICT")


def test_what_no_order_could_keep_is_refused_in_words() -> None:
    part = {"world_id": "alpha", "strategy_id": "mom", "qty": "1"}
    refuse_too_large([Order(symbol="BTC", qty=Decimal("9" * 20), parts=[part])])  # type: ignore[list-item]
    for qty, own in ((Decimal(10**20), "1"), (Decimal(1), "-1" + "0" * 20)):
        with pytest.raises(Invalid) as refused:
            refuse_too_large([Order(symbol="BTC", qty=qty, parts=[{**part, "qty": own}])])
        assert [fault.pointer for fault in refused.value.faults] == ["/run_id"]


def test_numbers_of_orders_have_all_digits_and_no_more() -> None:
    values = ["0.000000000000000000", "1.500000000000000000", "12345678901234567.123456789012345678", "-3"]
    texts = [orjson.dumps(number(Decimal(value))).decode() for value in values]
    assert texts == ["0.0", "1.5", "12345678901234567.123456789012345678", "-3.0"]
