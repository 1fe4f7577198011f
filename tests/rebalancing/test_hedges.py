"""A proxy order is held by somebody afterwards, and every later plan sees it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancing.domain.hedges import hedge_parts
from rebalancing.models import PositionSnapshot
from strategies.models import Fill
from tests.api import ApiClient, body
from tests.rebalancing.conftest import position
from tests.rebalancing.executing import apply, execute, lines, only, register, report

HOLDERS = [(("alpha", "mom"), Fraction(30_000)), (("alpha", "rev"), Fraction(9_000))]


def hedged(**fields: Any) -> dict[str, Any]:
    """Half of what `alpha` holds (39 000 net) is hedged with a future of 100."""
    return {
        "mode": "overlay",
        "overlay": {"instrument_by_world": {"alpha": "FUT"}, "price_by_symbol": {"FUT": 100}},
        "world_alloc_before": {"alpha": 0.4},
        "world_alloc_after": {"alpha": 0.2},
        "positions": [position("alpha", "mom", "BTC", 3, 10_000), position("alpha", "rev", "ETH", 9, 1_000)],
        **fields,
    }


def test_a_hedge_on_paper_leaves_fills_and_positions(desk: ApiClient) -> None:
    apply(desk, **hedged())
    done = execute(desk)
    assert lines(done["orders"]) == [("open", "sell", 195, "FUT", "filled")]
    assert done["reconciliation"] == {"meets_plan": True, "differences": []}
    fills = Fill.objects.order_by("pk").values_list("binding__strategy_id", "symbol", "side", "qty")
    assert sorted(fills) == [("mom", "FUT", "sell", 150), ("rev", "FUT", "sell", 45)]
    held = snapshot()
    assert [(row["strategy_id"], row["qty"], row["mark"]) for row in held if row["symbol"] == "FUT"] == [
        ("mom", "-150", "100"),
        ("rev", "-45", "100"),
    ]


def snapshot() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = orjson.loads(PositionSnapshot.objects.get(origin="execution").positions)
    return rows


def test_the_next_plan_hedges_only_what_is_not_hedged_yet(desk: ApiClient) -> None:
    apply(desk, **hedged())
    execute(desk)
    rows = [{"world_id": "alpha", **row} for row in snapshot()]
    fractions = {"world_alloc_before": {"alpha": 0.2}, "world_alloc_after": {"alpha": 0.1}}
    apply(desk, "r2", **hedged(positions=rows, **fractions))
    assert lines(execute(desk, "r2")["orders"]) == [("open", "sell", 97.5, "FUT", "filled")]


def test_a_hedge_that_waits_is_a_difference(desk: ApiClient) -> None:
    apply(desk, **hedged())
    assert [
        (row["strategy_id"], row["symbol"], row["difference"])
        for row in execute(desk, dry_run=True)["reconciliation"]["differences"]
    ] == [("mom", "FUT", 150), ("rev", "FUT", 45)]


def test_a_live_hedge_is_whose_fills_are_reported(trading: ApiClient) -> None:
    register(trading)
    apply(trading, **{**hedged(), **only(after=0.25), "world_alloc_before": {"alpha": 0.5}})
    (order,) = execute(trading)["orders"]
    report(trading, order, "100", price="101")
    differences = execute(trading)["reconciliation"]["differences"]
    assert [(row["symbol"], row["expected"], row["actual"]) for row in differences] == [("FUT", -150, -100)]
    report(trading, order, "50", fill="f2", price="101")
    assert execute(trading)["reconciliation"]["meets_plan"]
    assert [(row["symbol"], row["qty"]) for row in snapshot()] == [("BTC", "3"), ("FUT", "-150")]
    assert body(trading.get("/allocations"))["allocations"]["alpha"]["allocation"] == 0.25


@pytest.mark.parametrize("holders", [[], HOLDERS])
def test_nobody_holds_nothing(holders: Any) -> None:
    assert hedge_parts(Fraction(0), holders, 18) == {}


@given(
    st.integers(-(10**38), 10**38),
    st.lists(st.fractions(min_value=Fraction(1, 10**9), max_value=10**18), min_size=1, max_size=9),
)
def test_parts_sum_to_the_hedge_and_have_its_sign(quantity: int, worth: list[Fraction]) -> None:
    whole = Fraction(quantity, 10**18)
    parts = hedge_parts(whole, [(("w", f"s{n}"), each) for n, each in enumerate(worth)], 18)
    assert sum(parts.values(), Fraction(0)) == whole
    assert all(part * whole > 0 and (part * 10**18).denominator == 1 for part in parts.values())
