"""A plan that was told no positions of a world that holds something does not say that it is met."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from rebalancing.domain.plan import Plan
from rebalancing.models import Allocation, PositionSnapshot
from rebalancing.selectors.plans import plan_again, plan_record
from rebalancing.selectors.unreported import unreported_of
from tests.api import ApiClient, body
from tests.rebalancing.conftest import asked, position
from tests.rebalancing.executing import apply, execute
from tests.rebalancing.test_allocations import said
from tests.statements import counted_statements
from tests.strategies.executing import fill

THIRD = {"world_alloc_before": {"alpha": 0.3}, "world_alloc_after": {"alpha": 0.1}, "positions": []}


@pytest.fixture
def traded(desk: ApiClient) -> ApiClient:
    """Ten percent have moved: by fills `mom` has sold 1 BTC and `carry` bought 1. Then no positions were told."""
    desk.post("/allocations", said())
    apply(desk)
    assert execute(desk)["reconciliation"] == {"meets_plan": True, "differences": []}
    assert desk.post("/allocations", said(run_id="a2", positions=[])).status_code == 201
    return desk


def test_what_fills_say_is_compared_where_no_positions_were_told(traded: ApiClient) -> None:
    apply(traded, "r2", **{**THIRD, "world_alloc_before": {"beta": 0.3}, "world_alloc_after": {"beta": 0.15}})
    done = execute(traded, "r2")
    assert done["orders"] == []
    assert done["reconciliation"] == {
        "meets_plan": False,
        "unreported": ["beta"],
        "differences": [
            {
                "world_id": "beta",
                "strategy_id": "carry",
                "symbol": "BTC",
                "venue": None,
                "expected": 0.5,
                "actual": 1,
                "difference": 0.5,
            }
        ],
    }
    assert float(Allocation.objects.get(world="beta").allocation) == 0.2


def test_what_is_no_decimal_is_wanted_down_to_eighteen(traded: ApiClient) -> None:
    apply(traded, "r2", **THIRD)
    told = execute(traded, "r2", dry_run=True)["reconciliation"]["differences"]
    assert [(row["strategy_id"], row["expected"], row["actual"]) for row in told] == [
        ("mom", -0.333333333333333333, -1),
        ("rev", -1, -3),
    ]


def test_a_world_that_never_traded_gets_what_the_plan_gives_it(desk: ApiClient) -> None:
    apply(desk, **THIRD)
    found = execute(desk)["reconciliation"]
    assert found == {"meets_plan": True, "differences": [], "unreported": ["alpha"]}
    assert float(Allocation.objects.get(world="alpha").allocation) == 0.1


def test_a_world_that_stays_as_it_is_needs_no_positions(traded: ApiClient) -> None:
    same = {"world_alloc_before": {"alpha": 0.3}, "world_alloc_after": {"alpha": 0.3}}
    apply(traded, "r2", **{**THIRD, **same})
    assert execute(traded, "r2")["reconciliation"] == {"meets_plan": True, "differences": []}


def test_what_was_told_is_believed(traded: ApiClient) -> None:
    rows = [position("alpha", "mom", "BTC", 2, 10_000)]
    apply(traded, "r2", **{**THIRD, "positions": rows})
    assert execute(traded, "r2")["reconciliation"] == {"meets_plan": True, "differences": []}


def test_real_fills_count_before_those_on_paper(traded: ApiClient) -> None:
    path = "/worlds/alpha/strategies/mom/fills"
    real = fill("f1", mode="live", side="buy", symbol="SPY", venue=None, qty="5", price="500")
    assert traded.post(path, [real]).status_code == 202
    apply(traded, "r2", **THIRD)
    held = unreported_of(plan_again(plan_record("r2"))).held
    assert {(owner[1], owner[3]): quantity for owner, quantity in held.items()} == {
        ("mom", "SPY"): 5,
        ("rev", "ETH"): -3,
    }


def test_where_all_was_told_nothing_is_asked(desk: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    apply(desk)
    plan: Plan = plan_again(plan_record("r1"))
    made = counted_statements(monkeypatch)
    assert unreported_of(plan).worlds == ()
    assert made == []


def test_the_orders_of_a_shared_account_name_their_worlds(desk: ApiClient) -> None:
    apply(desk, shared_account=True)
    orders: list[dict[str, Any]] = execute(desk)["orders"]
    assert {order["symbol"]: (order["world_id"], order["worlds"]) for order in orders} == {
        "BTC": (None, ["alpha", "beta"]),
        "ETH": (None, ["alpha"]),
    }
    page = body(desk.get("/rebalancing/runs/r1/orders"))["items"]
    assert [order["worlds"] for order in page] == [order["worlds"] for order in orders]


def test_the_orders_of_a_world_name_it(desk: ApiClient) -> None:
    apply(desk)
    assert {(order["world_id"], *order["worlds"]) for order in execute(desk)["orders"]} == {
        ("alpha", "alpha"),
        ("beta", "beta"),
    }


def test_an_event_names_no_other_world(desk: ApiClient) -> None:
    apply(desk, shared_account=True)
    execute(desk)
    page = body(desk.get("/worlds/alpha/events?after=0&limit=500"))["events"]
    told = [each["data"] for each in page if each["type"] == "rebalancing.applied"][-1]
    assert b"beta" not in orjson.dumps(told["orders"])
    assert len(told["orders"]) == 2


def test_positions_that_were_told_are_kept_as_before(traded: ApiClient) -> None:
    apply(traded, "r2", **asked(**THIRD))
    assert PositionSnapshot.objects.filter(world="alpha", origin="plan", run_id="r2").get().count == 0
