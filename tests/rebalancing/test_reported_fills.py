"""What a runner reports counts for the order that it was given, and for nothing else."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest

from rebalancing.models import Order, PositionSnapshot
from rebalancing.services import settle_executions
from strategies.models import Fill
from tests.api import ApiClient, body
from tests.rebalancing.conftest import events_of, position
from tests.rebalancing.executing import apply, execute, lines, only, register, report

Handed = tuple[ApiClient, dict[str, Any]]


@pytest.fixture
def handed(trading: ApiClient) -> Handed:
    """`mom` is to sell 1 of 2 BTC at binance."""
    register(trading)
    plan = only(after=0.25, qty=2)
    plan["positions"] = [position("alpha", "mom", "BTC", 2, 10_000, venue="binance")]
    apply(trading, **plan)
    (order,) = execute(trading)["orders"]
    assert (order["side"], order["qty"], order["venue"], order["status"]) == ("sell", 1, "binance", "handed")
    return trading, order


def differences(document: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [
        (row["strategy_id"], row["symbol"], row["venue"], row["expected"], row["actual"])
        for row in document["reconciliation"]["differences"]
    ]


def allocated(client: ApiClient) -> dict[str, Any]:
    found: dict[str, Any] = body(client.get("/allocations"))["allocations"]
    return found


@pytest.mark.parametrize(
    ("other", "held"),
    [
        ({"symbol": "DOGE"}, ("mom", "DOGE", "binance", 0, -1)),
        ({"venue": "kraken"}, ("mom", "BTC", "kraken", 0, -1)),
        ({"venue": None}, ("mom", "BTC", None, 0, -1)),
        ({"side": "buy"}, ("mom", "BTC", "binance", 1, 3)),
        ({"owner": ("alpha", "rev")}, ("rev", "BTC", "binance", 0, -1)),
    ],
)
def test_a_fill_of_something_else_does_not_count_and_is_shown(
    handed: Handed, other: dict[str, Any], held: tuple[Any, ...]
) -> None:
    client, order = handed
    report(client, order, "1", **other)
    assert settle_executions() == 0
    seen = execute(client)
    assert (seen["status"], seen["orders"][0]["status"], seen["orders"][0]["filled_qty"]) == (
        "running",
        "handed",
        0,
    )
    assert held in differences(seen)
    assert allocated(client) == {}


def test_the_right_fill_still_completes_it_but_other_positions_change_no_allocation(handed: Handed) -> None:
    client, order = handed
    report(client, order, "1", symbol="DOGE")
    report(client, order, "1", fill="f2")
    done = execute(client)
    assert (done["status"], done["orders"][0]["status"]) == ("completed", "filled")
    assert differences(done) == [("mom", "DOGE", "binance", 0, -1)]
    assert allocated(client) == {}


def test_what_another_world_reports_under_the_id_is_not_about_the_order(handed: Handed) -> None:
    client, order = handed
    report(client, order, "5", owner=("beta", "carry"))
    report(client, order, "1", fill="f2")
    done = execute(client)
    assert (done["status"], done["reconciliation"]) == ("completed", {"meets_plan": True, "differences": []})
    assert allocated(client)["alpha"]["allocation"] == 0.25


def test_more_than_was_asked_for_ends_the_order_and_allocates_nothing(handed: Handed) -> None:
    client, order = handed
    report(client, order, "3")
    assert settle_executions() == 1
    done = execute(client)
    (ended,) = done["orders"]
    assert (ended["status"], ended["filled_qty"], ended["code"]) == ("filled", 3, "E_OVERFILLED")
    assert differences(done) == [("mom", "BTC", "binance", 1, -1)]
    assert not done["reconciliation"]["meets_plan"]
    assert allocated(client) == {}
    (row,) = left_behind()
    assert (row["symbol"], row["qty"]) == ("BTC", "-1")


def left_behind() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = orjson.loads(PositionSnapshot.objects.get(origin="execution").positions)
    return rows


def test_part_of_an_order_is_held_already(handed: Handed) -> None:
    client, order = handed
    report(client, order, "0.25")
    assert differences(execute(client)) == [("mom", "BTC", "binance", 1, 1.75)]


def test_fills_sum_to_the_last_digit(trading: ApiClient) -> None:
    register(trading)
    plan = only(after=1.0)
    plan["positions"] = [position("alpha", "mom", "BTC", "12345678901234567.123456789012345678", "1")]
    apply(trading, **plan)
    (order,) = execute(trading)["orders"]
    report(trading, order, "12345678901234567.123456789012345677")
    assert execute(trading)["status"] == "running"
    report(trading, order, "0.000000000000000001", fill="f2")
    done = execute(trading)
    assert (done["status"], done["reconciliation"]["meets_plan"]) == ("completed", True)
    assert Order.objects.get().filled_qty == Decimal("12345678901234567.123456789012345678")


def test_sums_beyond_what_is_kept_are_no_failure(handed: Handed) -> None:
    client, order = handed
    for number in ("f1", "f2"):
        report(client, order, "9" * 20, fill=number, fee="9" * 20, price="9" * 20)
    assert settle_executions() == 1
    order_row = Order.objects.get()
    assert order_row.fee == order_row.filled_qty == Decimal("9" * 20 + "." + "9" * 18)


def test_paper_fills_have_all_digits(desk: ApiClient) -> None:
    quantity = "12345678901234567.123456789012345678"
    rows = [position("alpha", "mom", "BTC", quantity, "1")]
    apply(desk, world_alloc_before={"alpha": 0.5}, world_alloc_after={"alpha": 0}, positions=rows)
    done = execute(desk)
    assert lines(done["orders"])[0][-1] == "filled"
    assert done["reconciliation"]["meets_plan"]
    assert Fill.objects.get().qty == Order.objects.get().qty == Decimal(quantity)


def test_only_who_still_has_an_order_is_told_again(handed: Handed) -> None:
    client, order = handed
    execute(client)
    assert len(events_of(client, "alpha", "rebalancing.applied")) == 2  # a runner takes it as: try again
    report(client, order, "1")
    execute(client)
    execute(client)
    assert len(events_of(client, "alpha", "rebalancing.applied")) == 3
