"""A handed order as arithmetic: what is left of it, whose its fills are, and that restarts change nothing of that."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmtl.brokers import Fill, Side
from qmtl.sdk.runtime.handed import OWNER, HandedOrder, read_handed, split_fee

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def handed(*parts: tuple[str, str], purpose: str = "open", **fields: Any) -> HandedOrder:
    signed = sum((Decimal(qty) for _, qty in parts), Decimal(0))
    row: dict[str, Any] = {
        "order_id": "o1", "world_id": "w", "symbol": "BTC", "venue": None, "purpose": purpose,
        "side": "sell" if signed < 0 else "buy", "qty": abs(signed),
        "parts": [{"world_id": "w", "strategy_id": name, "delta_qty": Decimal(qty)} for name, qty in parts],
        **fields,
    }  # fmt: skip
    return read_handed(row, world_id="w", run_id="r", sequence=7, told_at=NOW)


def filled(order: HandedOrder, qty: str | Decimal, *, name: str = "f1", fee: str = "0") -> Fill:
    return Fill(
        fill_id=name, order_id=order.client_order_id("w"), strategy_id=OWNER, ts=NOW, symbol="BTC",
        side=order.side, qty=Decimal(qty), price=Decimal(100), fee=Decimal(fee), mode="live",
    )  # fmt: skip


def sums(fills: list[Fill]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for fill in fills:
        found[fill.strategy_id] += fill.signed
    return dict(found)


def test_a_fill_is_divided_among_those_that_it_is_for() -> None:
    order = handed(("a", "2"), ("b", "1"))
    first = list(order.take(filled(order, "2.5", fee="5"), "a"))
    assert [(each.strategy_id, each.signed, each.fee) for each in first] == [
        ("a", 2, 4),
        ("b", Decimal("0.5"), 1),
    ]
    assert {each.order_id for each in first} == {"o1"}
    second = list(order.take(filled(order, "0.5", name="f2"), "a"))
    assert sums(first + second) == {"a": 2, "b": 1}
    assert order.is_done


def test_who_trades_against_the_others_does_so_once() -> None:
    order = handed(("a", "3"), ("b", "-1"))
    fills = [each for n in range(2) for each in order.take(filled(order, 1, name=f"f{n}"), "a")]
    assert sums(fills) == {"a": 3, "b": -1}
    assert [each.fill_id for each in fills] == ["o1.x", "o1.x", "f0", "f1"]


def test_the_same_fill_is_taken_once() -> None:
    order = handed(("a", "1"))
    assert list(order.take(filled(order, 1), "a"))
    assert list(order.take(filled(order, 1), "a")) == []


def test_a_proxy_is_reported_by_who_trades_it() -> None:
    order = handed(side="sell", qty=Decimal(2))
    assert [(each.strategy_id, each.signed) for each in order.take(filled(order, 2), "me")] == [("me", -2)]


def test_what_is_left_is_another_order_and_the_same_one_after_a_restart() -> None:
    order = handed(("a", "3"))
    first = order.order("w", NOW)
    assert order.order("w", NOW) == first
    list(order.take(filled(order, 1), "a"))
    assert order.order("w", NOW).qty == 3
    order.stop("the rest did not fill")
    assert order.is_stopped
    again = order.order("w", NOW)
    assert (again.qty, again.client_order_id == first.client_order_id) == (2, False)
    read = HandedOrder.load(json.loads(json.dumps(order.state())))
    assert (read, read.order("w", NOW)) == (order, again)


def test_one_of_several_worlds_is_known_as_such() -> None:
    assert handed(("a", "1")).is_whole
    assert not handed(("a", "1"), qty=Decimal(3), world_id=None).is_whole


@pytest.mark.parametrize(
    "bad",
    [{"side": "up"}, {"qty": "many"}, {"parts": [{"world_id": "v", "strategy_id": "a", "delta_qty": 1}]}],
)
def test_what_makes_no_sense_is_no_order(bad: dict[str, Any]) -> None:
    with pytest.raises((ValueError, ArithmeticError)):
        handed(("a", "1"), **bad)


amounts = st.decimals("0.001", "1000", places=3)


@given(
    st.lists(st.tuples(amounts, st.booleans()), min_size=1, max_size=6),
    st.lists(st.integers(1, 99), max_size=5),
)
def test_parts_sum_to_what_was_wanted_however_it_fills(
    wanted: list[tuple[Decimal, bool]], cuts: list[int]
) -> None:
    parts = [(f"s{n}", str(qty if up else -qty)) for n, (qty, up) in enumerate(wanted)]
    order = handed(*parts)
    if not order.qty:
        assert sums(list(order.cross(Decimal(100), NOW))) == {name: Decimal(qty) for name, qty in parts}
        return
    ends = sorted({order.qty * cut / 100 for cut in cuts} | {order.qty})
    fills: list[Fill] = []
    begin = Decimal(0)
    for n, end in enumerate(ends):
        order = HandedOrder.load(json.loads(json.dumps(order.state())))
        fills += order.take(filled(order, end - begin, name=f"f{n}"), "s0")
        begin = end
    assert order.is_done
    assert sums(fills) == {name: Decimal(qty) for name, qty in parts}
    assert len({(each.strategy_id, each.fill_id) for each in fills}) == len(fills)


@given(st.decimals("-10", "10", places=18), st.lists(amounts, min_size=1, max_size=6))
def test_fees_sum_to_the_fee(fee: Decimal, sizes: list[Decimal]) -> None:
    fees = split_fee(fee, sizes)
    assert sum(fees) == fee
    assert all(int(each.as_tuple().exponent) >= -18 for each in fees)


def test_sides_are_signed() -> None:
    assert handed(("a", "-2"), purpose="reduce").side is Side.SELL
