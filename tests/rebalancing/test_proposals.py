"""Allocators beside each other, and plans that follow from a switch of the live set."""

from __future__ import annotations

from typing import Any

import pytest

from qmtl_site.outbox.relay import relay_all
from rebalancing.models import Proposal
from rebalancing.services import propose_after_switch
from strategies.models import Binding
from tests.activation.acting import decided, go
from tests.api import ApiClient, body, results, returns
from tests.decisions.conftest import DECIDES
from tests.problem import nothing_written
from tests.rebalancing.conftest import bind, events_of, position

PROPOSES = {**DECIDES, "rebalancing": {"on_switch": "propose"}}


@pytest.fixture
def measured(root: ApiClient) -> ApiClient:
    """`a` and `b` in dry run in `alpha`, with judged backtests; `b` is three times as volatile."""
    root.make_world(allow_live=True)
    for name, deviation, seed in (("a", 0.01, 1), ("b", 0.03, 2)):
        root.make_strategy(name)
        root.submit("alpha", name, results(returns(deviation=deviation, mean=0.1 * deviation, seed=seed)))
    root.evaluate("alpha")
    assert set(Binding.objects.values_list("state", flat=True)) == {"dry_run"}
    said = {
        "run_id": "a1",
        "total_equity": 1_000_000,
        "world_allocations": {"alpha": 0.4},
        "strategy_alloc_after_total": {"alpha": {"a": 0.2, "b": 0.2}},
        "positions": [position("alpha", "a", "BTC", 20, 10_000), position("alpha", "b", "ETH", 200, 1_000)],
    }
    assert root.post("/allocations", said).status_code == 201
    return root


def by_method(client: ApiClient) -> dict[str, Any]:
    document = body(client.get("/worlds/alpha/allocators"))
    return {each["method"]: each for each in document["proposals"]}


def test_every_method_is_told_with_its_weights(measured: ApiClient) -> None:
    found = by_method(measured)
    assert found.keys() == {"equal", "score", "inverse_volatility", "risk_parity", "hrp"}
    assert found["equal"]["weights"] == {"a": 0.5, "b": 0.5}
    assert found["inverse_volatility"]["weights"] == pytest.approx({"a": 0.75, "b": 0.25})


def test_a_method_that_cannot_be_used_says_why(measured: ApiClient) -> None:
    score = by_method(measured)["score"]
    assert (score["method_used"], score["reason"]) == ("equal", "a score is missing")


def test_risk_is_that_of_the_portfolio_and_its_parts_sum_to_one(measured: ApiClient) -> None:
    found = by_method(measured)
    assert found["risk_parity"]["volatility"] < found["equal"]["volatility"]
    assert sum(found["equal"]["contributions"].values()) == pytest.approx(1)
    assert found["equal"]["contributions"]["b"] == pytest.approx(0.9, abs=0.03)


def test_turnover_is_from_what_is_allocated_now(measured: ApiClient) -> None:
    found = by_method(measured)
    assert found["equal"]["turnover"] == pytest.approx(0, abs=1e-6)
    assert found["inverse_volatility"]["turnover"] == pytest.approx(0.5 * 400_000)


def test_reading_allocators_writes_nothing(measured: ApiClient) -> None:
    with nothing_written():
        assert measured.get("/worlds/alpha/allocators").status_code == 200


# --- after a switch ---------------------------------------------------------------------------------------
@pytest.fixture
def switching(root: ApiClient) -> ApiClient:
    """`a` and `b` of `alpha` are in dry run and hold something; its policy proposes."""
    root.make_world(policy=PROPOSES, allow_live=True)
    bind(root, "alpha", "a", "b")
    decided()
    said = {
        "run_id": "a1",
        "total_equity": 1_000_000,
        "world_allocations": {"alpha": 0.4},
        "strategy_alloc_after_total": {"alpha": {"a": 0.2, "b": 0.2}},
        "positions": [position("alpha", "a", "BTC", 20, 10_000), position("alpha", "b", "ETH", 200, 1_000)],
    }
    assert root.post("/allocations", said).status_code == 201
    return root


def test_a_switch_proposes_a_plan_to_the_new_weights(switching: ApiClient) -> None:
    assert go("first", opens={"a": 0.75}).phase == "completed"
    relay_all()
    (told,) = events_of(switching, "alpha", "rebalancing.planned")
    assert (told["origin"], told["run_id"]) == ("promotion", "first")
    assert [(row["symbol"], row["delta_qty"]) for row in told["per_world"]["alpha"]["deltas"]] == [
        ("BTC", 10),  # 0.2 -> 0.75 x 0.4
        ("ETH", -200),  # not live: nothing is left to it
    ]
    assert switching.get("/rebalancing/runs/first").status_code == 404


def test_a_switch_proposes_once(switching: ApiClient) -> None:

    go("first", opens={"a": 0.75})
    relay_all()
    assert propose_after_switch(world_id="alpha", run_id="first") is None
    assert Proposal.objects.count() == 1


def test_a_policy_that_does_not_ask_gets_no_proposal(switching: ApiClient) -> None:
    switching.post("/worlds/alpha/policy", DECIDES)
    go("first", opens={"a": 0.75})
    relay_all()
    assert Proposal.objects.count() == 0


def test_a_live_portfolio_has_figures_of_its_own(measured: ApiClient) -> None:
    decided()
    assert go("first", opens={"a": 0.5, "b": 0.25}).phase == "completed"
    plan = {
        "total_equity": 1, "world_alloc_before": {"alpha": 0.1}, "world_alloc_after": {"alpha": 0.1},
        "positions": [position("alpha", "a", "BTC", 1, 1)], "schema_version": 2,
    }  # fmt: skip
    metrics = body(measured.post("/rebalancing/plan", plan))["alpha_metrics"]
    alone = metrics["per_strategy"]["a"]["alpha"]["alpha_performance.sharpe"]
    together = metrics["per_world"]["alpha"]["alpha_performance.sharpe"]
    assert alone > 0
    assert together not in {0.0, alone}
