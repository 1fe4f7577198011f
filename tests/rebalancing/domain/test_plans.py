"""Plans that can be done on paper, each with the figure that it must come to."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import orjson
import pytest

from rebalancing.domain.document import json_number
from rebalancing.domain.orders import Standing, intents
from rebalancing.domain.plan import Plan
from rebalancing.domain.scales import scale
from rebalancing.domain.terms import Doubtful
from tests.rebalancing.builders import (
    Row,
    account,
    answered,
    deltas,
    hybrid,
    overlay,
    planned,
    terms,
)

BTC: Row = ("alpha", "mom", "", "BTC", 3, 100)


@pytest.mark.parametrize(
    ("quantity", "before", "after", "lot", "change"),
    [
        (3, 0.3, 0.2, None, "-1"),
        (3, "0.3", "0.2", None, "-1"),
        (-0.3, 1, 0, "0.1", "0.3"),
        (0.3, 0.3, 0.1, "0.1", "-0.2"),
        (1, 0.3, 0.1, "0.1", "-0.6"),
        (1.5, 0.5, 0, "1", "-1"),
        (7, 0.1, 0.2, "3", "6"),
        (-7, 0.1, 0.2, "3", "-6"),
        (1, 0, 0.2, None, None),
        (1, 0, 0, None, "-1"),
        (1e-9, 0.5, 0, None, "-0.000000001"),
        (123456789.123456, 0.5, 0.25, "0.000001", "-61728394.561728"),
        (10**17, 0.3, 0.1, "1", "-66666666666666666"),
    ],
)
def test_a_position_changes_by_exactly_what_its_scale_says(
    quantity: Any, before: Any, after: Any, lot: str | None, change: str | None
) -> None:
    lots = {} if lot is None else {"BTC": Decimal(lot)}
    made = planned(
        terms({"alpha": before}, {"alpha": after}, lots=lots), [("alpha", "mom", "", "BTC", quantity, 100)]
    )
    assert deltas(made) == ({} if change is None else {("alpha", "", "BTC"): Fraction(change)})


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [("0.2", "0.1", "1/2"), ("0", "0.1", "1"), ("0", "0", "0"), ("0.1", "0", "0")],
)
def test_the_scale_of_a_world(before: str, after: str, expected: str) -> None:
    assert scale(Fraction(before), Fraction(after)) == Fraction(expected)


def test_different_marks_of_one_symbol_do_not_bend_the_quantities() -> None:
    rows: list[Row] = [("alpha", "a", "", "BTC", 2, 100), ("alpha", "b", "", "BTC", -1, 900)]
    made = planned(terms({"alpha": 0.4}, {"alpha": 0.2}), rows)
    assert deltas(made) == {("alpha", "", "BTC"): Fraction(-1, 2)}
    # weighted by |quantity|: (2 x 100 + 1 x 900) / 3
    (row,) = answered(made)["per_world"]["alpha"]["deltas"]
    assert row["notional"] == pytest.approx(-0.5 * 1100 / 3, abs=1e-8)


def test_venues_are_not_netted_with_each_other() -> None:
    rows: list[Row] = [("alpha", "a", "x", "BTC", 2, 100), ("alpha", "a", "y", "BTC", -2, 100)]
    made = planned(terms({"alpha": 0.4}, {"alpha": 0.2}), rows)
    assert deltas(made) == {("alpha", "x", "BTC"): Fraction(-1), ("alpha", "y", "BTC"): Fraction(1)}


def test_a_strategy_has_its_own_scale_where_both_of_its_fractions_are_known() -> None:
    rows: list[Row] = [("alpha", "own", "", "BTC", 10, 100), ("alpha", "worlds", "", "ETH", 10, 100)]
    ask = terms(
        {"alpha": 0.4},
        {"alpha": 0.2},
        strategies_before={"alpha": {"own": 0.1}},
        strategies_after={"alpha": {"own": 0.02}},
    )
    assert deltas(planned(ask, rows)) == {
        ("alpha", "", "BTC"): Fraction(-8),
        ("alpha", "", "ETH"): Fraction(-5),
    }


def test_without_fractions_before_a_strategy_has_its_gross_notional_over_equity() -> None:
    rows: list[Row] = [("alpha", "own", "", "BTC", 10, 100), ("alpha", "own", "", "ETH", -10, 100)]
    ask = terms({"alpha": 0.4}, {"alpha": 0.2}, total_equity=10_000, strategies_after={"alpha": {"own": 0.1}})
    assert deltas(planned(ask, rows)) == {
        ("alpha", "", "BTC"): Fraction(-5),
        ("alpha", "", "ETH"): Fraction(5),
    }


@pytest.mark.parametrize(("minimum", "orders"), [(99, 1), (100, 1), ("100.00000001", 0)])
def test_an_order_below_the_minimum_is_dropped(minimum: Any, orders: int) -> None:
    made = planned(terms({"alpha": 0.3}, {"alpha": 0.2}, min_trade_notional=minimum), [BTC])
    assert len(deltas(made)) == orders


def test_a_rest_that_is_no_whole_lot_is_told_when_all_was_to_be_closed() -> None:
    rows: list[Row] = [("alpha", "mom", "", "BTC", -2.7, 100)]
    made = planned(terms({"alpha": 0.3}, {"alpha": 0}, lots={"BTC": 1}), rows)
    assert answered(made)["residuals"] == [
        {"world_id": "alpha", "symbol": "BTC", "venue": None, "qty": -0.7, "reason": "lot"}
    ]


def test_dust_that_the_minimum_keeps_is_told_as_well() -> None:
    made = planned(terms({"alpha": 0.3}, {"alpha": 0}, min_trade_notional=1000), [BTC])
    (residual,) = answered(made)["residuals"]
    assert (residual["qty"], residual["reason"]) == (3, "min_trade_notional")


def residual(world: str | None, quantity: float, reason: str = "lot") -> dict[str, Any]:
    return {"world_id": world, "symbol": "BTC", "venue": None, "qty": quantity, "reason": reason}


def test_rests_of_strategies_that_net_each_other_out_are_told() -> None:
    rows: list[Row] = [("alpha", "s1", "", "BTC", 0.5, 100), ("alpha", "s2", "", "BTC", -0.5, 100)]
    made = planned(terms({"alpha": 0.3}, {"alpha": 0}, lots={"BTC": 1}), rows)
    assert answered(made)["residuals"] == [residual("alpha", 0.5), residual("alpha", -0.5)]


@pytest.mark.parametrize(
    ("least", "other", "after", "rest"),
    [
        (0, 0.5, 0.4, residual("alpha", 0.5)),  # neither an order nor a part
        (0, 1, 0.44, residual("alpha", -0.5)),  # its part of the trade between the two is one lot
        (1000, 3, 0.4, residual("alpha", 0.5, "min_trade_notional")),
    ],
)
def test_what_a_world_was_to_close_is_told_where_another_one_nets_against_it(
    least: int, other: float, after: float, rest: dict[str, Any]
) -> None:
    rows: list[Row] = [("alpha", "a", "", "BTC", 0.5, 100), ("beta", "b", "", "BTC", other, 100)]
    ask = terms(
        {"alpha": 0.2, "beta": 0.2},
        {"alpha": 0, "beta": after},
        lots={"BTC": 1},
        shared_account=True,
        min_trade_notional=least,
    )
    made = planned(ask, rows)
    assert account(made) == {}
    assert answered(made)["residuals"] == [rest]


def test_what_is_only_cut_leaves_no_residual() -> None:
    made = planned(terms({"alpha": 0.3}, {"alpha": 0.1}, lots={"BTC": 2}), [BTC])
    assert made.residuals == []


SHARED: list[Row] = [
    ("alpha", "a", "", "BTC", 10, 100),
    ("alpha", "b", "", "BTC", 5, 100),
    ("beta", "c", "", "BTC", 4, 100),
]


def test_worlds_net_against_each_other_in_a_shared_account() -> None:
    made = planned(
        terms({"alpha": 0.4, "beta": 0.1}, {"alpha": 0.2, "beta": 0.2}, shared_account=True), SHARED
    )
    assert deltas(made) == {("alpha", "", "BTC"): Fraction(-15, 2), ("beta", "", "BTC"): Fraction(4)}
    assert account(made) == {("", "BTC"): Fraction(-7, 2)}
    parts = {row["strategy_id"]: row["delta_qty"] for row in answered(made)["attribution"]}
    assert parts == {"a": -5.0, "b": -2.5, "c": 4.0}


def test_parts_are_whole_lots_and_the_missing_one_goes_to_the_largest_remainder() -> None:
    ask = terms(
        {"alpha": 0.4, "beta": 0.1}, {"alpha": 0.2, "beta": 0.2}, shared_account=True, lots={"BTC": 1}
    )
    parts = {row["strategy_id"]: row["delta_qty"] for row in answered(planned(ask, SHARED))["attribution"]}
    assert parts == {"a": -5.0, "b": -2.0, "c": 4.0}


def test_netting_saves_what_strategies_would_trade_with_each_other() -> None:
    made = planned(
        terms({"alpha": 0.4, "beta": 0.1}, {"alpha": 0.2, "beta": 0.2}, shared_account=True), SHARED
    )
    cost = answered(made)["cost_estimate"]
    assert (cost["gross_turnover"], cost["account_turnover"], cost["netting_savings"]) == (1150, 350, 800)


def test_a_cost_is_that_of_the_orders() -> None:
    ask = terms({"alpha": 0.3}, {"alpha": 0.2}, hybrid=hybrid(default=5, ETH=100))
    assert answered(planned(ask, [BTC]))["cost_estimate"]["cost"] == pytest.approx(100 * 5 / 10_000)


# --- overlay and hybrid -----------------------------------------------------------------------------------
FUTURE = overlay({"alpha": "FUT"}, {"FUT": 50})
TWO: list[Row] = [("alpha", "a", "", "BTC", 30, 100), ("alpha", "b", "", "ETH", -10, 10)]


def test_an_overlay_changes_the_net_exposure_by_one_order() -> None:
    made = planned(
        terms({"alpha": 0.4}, {"alpha": 0.3}, mode="overlay", overlay=FUTURE, lots={"FUT": 2}), TWO
    )
    # (3/4 - 1) x 2,900 / 50 = -14.5, in lots of 2
    assert deltas(made) == {}
    assert answered(made)["overlay_deltas"] == [
        {"world_id": "alpha", "symbol": "FUT", "venue": None, "delta_qty": -14.0, "notional": -700.0}
    ]


def test_an_overlay_below_its_own_minimum_is_dropped() -> None:
    proxy = overlay({"alpha": "FUT"}, {"FUT": 50}, 10_000)
    made = planned(terms({"alpha": 0.4}, {"alpha": 0.3}, mode="overlay", overlay=proxy), TWO)
    assert answered(made)["overlay_deltas"] == []


@pytest.mark.parametrize(
    ("instruments", "prices", "place"),
    [
        ({}, {"FUT": 1}, "/overlay/instrument_by_world/alpha"),
        ({"alpha": "FUT"}, {}, "/overlay/price_by_symbol/FUT"),
        ({"alpha": "FUT"}, {"FUT": 0}, "/overlay/price_by_symbol/FUT"),
    ],
)
def test_an_overlay_without_an_instrument_or_a_price_is_refused(
    instruments: dict[str, str], prices: dict[str, Any], place: str
) -> None:
    ask = terms({"alpha": 0.4}, {"alpha": 0.3}, mode="overlay", overlay=overlay(instruments, prices))
    with pytest.raises(Doubtful) as caught:
        planned(ask, TWO)
    assert caught.value.doubts[0].pointer == place


def test_hybrid_scales_what_is_large_and_leaves_the_rest_to_the_proxy() -> None:
    ask = terms({"alpha": 0.4}, {"alpha": 0.2}, mode="hybrid", overlay=FUTURE, hybrid=hybrid(least=100))
    made = planned(ask, TWO)
    assert deltas(made) == {("alpha", "", "BTC"): Fraction(-15)}
    (proxy,) = answered(made)["overlay_deltas"]
    assert proxy["notional"] == 50.0  # (1/2 - 1) x -100


def test_hybrid_scales_nothing_that_costs_more_than_the_proxy() -> None:
    dear = hybrid(BTC=20, FUT=5)
    ask = terms({"alpha": 0.4}, {"alpha": 0.2}, mode="hybrid", overlay=FUTURE, hybrid=dear)
    made = planned(ask, TWO)
    assert deltas(made) == {("alpha", "", "ETH"): Fraction(5)}
    assert answered(made)["overlay_deltas"][0]["notional"] == -1500.0


OWN: list[Row] = [("alpha", "s1", "", "X", 1, 100), ("alpha", "s2", "", "Y", 1, 100)]


@pytest.mark.parametrize(
    ("mode", "least", "before", "scaled", "proxy"),
    [
        ("scaling", 0, 0.2, -100, 0),
        ("overlay", 0, 0.2, 0, -100),
        ("hybrid", 0, 0.2, -100, 0),
        ("hybrid", 1, 0.2, -100, 0),
        ("hybrid", 101, 0.2, 0, -100),
        # The world keeps what it has: strategies change among themselves, and no proxy does that.
        ("scaling", 0, 0.1, -100, 0),
        ("overlay", 0, 0.1, 0, 0),
        ("hybrid", 1, 0.1, -100, 0),
        ("hybrid", 101, 0.1, 0, 0),
    ],
)
def test_the_proxy_closes_what_remains_of_the_gap_of_the_world(
    mode: Any, least: Any, before: float, scaled: int, proxy: int
) -> None:
    ask = terms(
        {"alpha": before},
        {"alpha": 0.1},
        total_equity=1000,
        mode=mode,
        overlay=overlay({"alpha": "F"}, {"F": 10}),
        hybrid=hybrid(least=least),
        strategies_before={"alpha": {"s1": 0.1, "s2": 0.1}},
        strategies_after={"alpha": {"s1": 0, "s2": 0.1}},
    )
    answer = answered(planned(ask, OWN))
    rows = (answer["per_world"]["alpha"]["deltas"], answer.get("overlay_deltas", []))
    assert [sum(row["notional"] for row in each) for each in rows] == [scaled, proxy]


# --- orders -----------------------------------------------------------------------------------------------
def sent(made: Plan, *, closed: tuple[str, ...] = ()) -> list[tuple[str, Fraction, bool]]:
    live = {name: Standing("live", name[1] not in closed) for name in made.book.strategies}
    unit = 10**made.steps.places
    return [(each.purpose, Fraction(each.quantity, unit), bool(each.refused)) for each in intents(made, live)]


def test_a_flip_flattens_first_and_opens_then() -> None:
    rows: list[Row] = [("alpha", "a", "", "BTC", 4, 100), ("alpha", "b", "", "BTC", -3, 100)]
    ask = terms(
        {"alpha": 0.4},
        {"alpha": 0.4},
        strategies_before={"alpha": {"a": 0.1, "b": 0.1}},
        strategies_after={"alpha": {"a": 0.0, "b": 0.2}},
    )
    assert sent(planned(ask, rows)) == [("reduce", Fraction(-1), False), ("open", Fraction(-6), False)]


def test_reductions_of_all_come_before_any_opening() -> None:
    rows: list[Row] = [("alpha", "a", "", "AAA", 4, 100), ("beta", "b", "", "BBB", 4, 100)]
    made = planned(terms({"alpha": 0.2, "beta": 0.4}, {"alpha": 0.4, "beta": 0.2}), rows)
    assert [purpose for purpose, *_ in sent(made)] == ["reduce", "open"]


def test_a_closed_gate_refuses_the_opening_and_lets_the_reduction_pass() -> None:
    rows: list[Row] = [("alpha", "a", "", "AAA", 4, 100), ("beta", "b", "", "BBB", 4, 100)]
    made = planned(terms({"alpha": 0.2, "beta": 0.4}, {"alpha": 0.4, "beta": 0.2}), rows)
    assert sent(made, closed=("a", "b")) == [("reduce", Fraction(-2), False), ("open", Fraction(4), True)]


def test_who_may_not_open_does_not_open_by_trading_with_another_strategy() -> None:
    rows: list[Row] = [("alpha", "a", "", "BTC", 4, 100), ("alpha", "b", "", "BTC", 4, 100)]
    ask = terms(
        {"alpha": 0.4},
        {"alpha": 0.4},
        strategies_before={"alpha": {"a": 0.1, "b": 0.1}},
        strategies_after={"alpha": {"a": 0.2, "b": 0.0}},
    )
    assert sent(planned(ask, rows)) == [("cross", Fraction(0), False)]
    assert sent(planned(ask, rows), closed=("a",)) == [
        ("reduce", Fraction(-4), False),
        ("open", Fraction(4), True),
    ]


@pytest.mark.parametrize(
    ("mantissa", "places", "text"),
    [
        (-1, 0, "-1.0"),
        (10**18, 18, "1.0"),
        (333_333_333_333_333_333, 18, "0.333333333333333333"),
        (1, 18, "1e-18"),
        (12345678901234567890, 18, "12.34567890123456789"),
        (10**30, 10, "100000000000000000000"),
    ],
)
def test_a_number_is_told_with_all_its_digits(mantissa: int, places: int, text: str) -> None:
    assert orjson.dumps(json_number(mantissa, places)).decode() == text
