"""Orders that wait follow their strategies; what is with a runner counts as real."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from qmtl_site.audit.actor import Actor
from rebalancing.models import Order, PlanRecord
from rebalancing.selectors.plans import plan_again, worlds_of
from rebalancing.services.executing import begin, make_orders
from rebalancing.services.standings import standings_of
from strategies.models import Fill
from tests.activation.acting import breaker, decided, go
from tests.api import ApiClient
from tests.problem import refusal
from tests.rebalancing.conftest import position
from tests.rebalancing.executing import EXECUTE, apply, execute, lines, only, register


def both(client: ApiClient) -> None:
    """`mom` opens and `rev` reduces, both on paper; the breaker is engaged: only the reduction passes."""
    breaker(client, engaged=True)
    apply(
        client,
        world_alloc_before={"alpha": 0.5},
        world_alloc_after={"alpha": 0.5},
        positions=[position("alpha", "mom", "BTC", 1, 10_000), position("alpha", "rev", "ETH", 2, 1_000)],
        strategy_alloc_before_total={"alpha": {"mom": 0.1, "rev": 0.1}},
        strategy_alloc_after_total={"alpha": {"mom": 0.2, "rev": 0.05}},
    )
    assert [row[-1] for row in lines(execute(client)["orders"])] == ["filled", "refused"]


def promote(client: ApiClient) -> None:
    breaker(client, engaged=False)
    client.patch("/worlds/alpha", {"allow_live": True})
    decided()
    assert go("first", opens={"mom": 0.5}).phase == "completed"


def test_an_order_that_waited_on_paper_is_real_when_its_strategy_is_live_by_now(desk: ApiClient) -> None:
    both(desk)
    promote(desk)
    assert refusal(desk.post(EXECUTE, {"run_id": "r1"})) == (409, "E_NO_EXECUTOR")
    register(desk)
    order = execute(desk)["orders"][1]
    assert (order["mode"], order["status"], order["executor"]) == ("live", "handed", "runner-1")
    assert Fill.objects.count() == 1


def begun(client: ApiClient, plan: dict[str, Any]) -> None:
    """The orders are made and none is sent, as of a plan with more of them than one call sends."""
    apply(client, **plan)
    row = PlanRecord.objects.get()
    with transaction.atomic():
        made = plan_again(row)
        make_orders(made, row, begin(row, made, worlds_of(row), Actor.service("test")))


def test_a_reduction_that_waits_follows_its_strategy_back_to_paper(trading: ApiClient) -> None:
    plan = only(after=0)
    plan["positions"].append(position("alpha", "rev", "ETH", 2, 1_000))
    begun(trading, plan)
    assert sorted(Order.objects.values_list("mode", flat=True)) == ["live", "paper"]
    trading.patch("/worlds/alpha", {"allow_live": False})
    done = execute(trading)
    assert {order["mode"] for order in done["orders"]} == {"paper"}
    assert (done["status"], done["reconciliation"]["meets_plan"]) == ("completed", True)


def test_strategies_of_one_order_that_part_are_put_off_not_rejected(trading: ApiClient) -> None:
    plan = only(after=0)
    plan["positions"].append(position("alpha", "rev", "BTC", 2, 10_000))
    trading.patch("/worlds/alpha", {"allow_live": False})
    begun(trading, plan)
    trading.patch("/worlds/alpha", {"allow_live": True})
    register(trading)
    assert refusal(trading.post(EXECUTE, {"run_id": "r1"})) == (409, "E_GATE_CLOSED")
    trading.patch("/worlds/alpha", {"allow_live": False})
    assert execute(trading)["status"] == "completed"


def test_an_order_with_a_runner_counts_as_real(trading: ApiClient) -> None:
    register(trading)
    apply(trading, **only(after=1.0))
    execute(trading)
    trading.patch("/worlds/alpha", {"allow_live": False})
    assert standings_of([("alpha", "mom")])["alpha", "mom"].mode == "live"
    trading.post("/rebalancing/cancel", {"run_id": "r1", "reason": "not now"})
    assert standings_of([("alpha", "mom")])["alpha", "mom"].mode == "live"
    trading.post("/rebalancing/cancel", {"run_id": "r1", "reason": "the runner is gone", "abandon": True})
    assert standings_of([("alpha", "mom")])["alpha", "mom"].mode == "paper"
