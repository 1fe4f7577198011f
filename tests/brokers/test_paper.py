"""The paper broker: no look-ahead, exact money, and a state that can be put away at any moment."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmtl.brokers import (
    Bar,
    BrokerMisuse,
    FixedSlippage,
    Instrument,
    NotionalFees,
    OrderStatus,
    PaperBroker,
    Reject,
    Side,
    SquareRootImpact,
    Terms,
    UnitFees,
    costs_of,
    quote,
)
from tests.brokers.scene import BEGIN, D, order, total
from tests.brokers.simulated import SPOT

DAY = timedelta(days=1)
AT = Instrument(SPOT)


def bar(day: int, *prices: str, volume: str | None = None) -> Bar:
    """Open, high, low, close of a day."""
    first, high, low, last = map(D, prices if len(prices) == 4 else prices * 4)
    return Bar(
        ts=BEGIN + day * DAY,
        symbol=SPOT,
        open=first,
        high=high,
        low=low,
        close=last,
        volume=None if volume is None else D(volume),
    )


def seen(broker: PaperBroker, *bars: Bar) -> list[tuple[Decimal, Decimal]]:
    return [(fill.qty, fill.price) for each in bars for fill in broker.see(each)]


def on_day(day: int, number: int = 1, side: str = "buy", qty: str = "2", **fields: Any) -> Any:
    return order(number, side, qty, ts=BEGIN + day * DAY, **fields)


# --- when and where it fills ------------------------------------------------------------------------------
def test_an_order_fills_at_the_next_open_and_never_in_the_bar_it_was_decided_on() -> None:
    broker = PaperBroker()
    broker.see(bar(0, "100"))
    assert broker.submit(on_day(0)).status is OrderStatus.OPEN
    assert seen(broker, bar(1, "101", "110", "90", "105")) == [(D(2), D(101))]


def test_an_order_from_within_a_bar_fills_at_its_end() -> None:
    broker = PaperBroker()
    broker.see(bar(0, "100"))
    broker.submit(order(ts=BEGIN + DAY / 2))
    assert seen(broker, bar(1, "101", "110", "90", "105")) == [(D(2), D(105))]


@pytest.mark.parametrize(
    ("side", "limit", "filled"),
    [
        ("buy", "102", [D(101)]),
        ("buy", "95", [D(95)]),
        ("buy", "90", [D(90)]),
        ("buy", "89", []),
        ("sell", "100", [D(101)]),
        ("sell", "110", [D(110)]),
        ("sell", "111", []),
    ],
)
def test_a_limit_fills_at_a_better_open_or_where_it_is_touched(
    side: str, limit: str, filled: list[Decimal]
) -> None:
    broker = PaperBroker()
    broker.see(bar(0, "100"))
    broker.submit(on_day(0, side=side, limit=limit))
    assert [price for _, price in seen(broker, bar(1, "101", "110", "90", "105"))] == filled


def test_all_orders_of_a_bar_share_its_volume() -> None:
    broker = PaperBroker(participation=D("0.1"))
    broker.see(bar(0, "100"))
    broker.submit(on_day(0, 1, qty="3"))
    broker.submit(on_day(0, 2, qty="3"))
    first = seen(broker, bar(1, "100", volume="40"))
    assert first == [(D(3), D(100)), (D(1), D(100))]
    assert seen(broker, bar(2, "100", volume="0")) == []
    assert seen(broker, bar(3, "100", volume="40")) == [(D(2), D(100))]


def test_a_price_from_the_past_is_refused_and_the_same_one_is_nothing_new() -> None:
    broker = PaperBroker()
    broker.see(bar(1, "100", volume="1"))
    assert broker.see(bar(1, "100", volume="1")) == []
    with pytest.raises(BrokerMisuse):
        broker.see(bar(0, "100"))


@pytest.mark.parametrize(
    "prices", [("0",), ("NaN",), ("-1",), ("100", "99", "98", "99"), ("100", "101", "100", "99")]
)
def test_a_bar_that_cannot_be_is_refused(prices: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="SDT"):
        bar(0, *prices)


def test_without_a_price_nothing_fills_at_once() -> None:
    report = PaperBroker(fill_at="mark").submit(order())
    assert (report.status, report.reject) == (OrderStatus.REJECTED, Reject.NO_PRICE)


# --- what it costs ----------------------------------------------------------------------------------------
def marked(**models: Any) -> PaperBroker:
    broker = PaperBroker(fill_at="mark", **models)
    broker.see(quote(SPOT, D(100), BEGIN))
    return broker


@pytest.mark.parametrize(("side", "price"), [("buy", D("100.05")), ("sell", D("99.95"))])
def test_slippage_is_against_the_trader(side: str, price: Decimal) -> None:
    report = marked(slippage=FixedSlippage(D(5))).submit(order(side=side))
    assert report.average_price == price


def test_slippage_is_rounded_to_the_tick_against_the_trader() -> None:
    terms = Terms(tick=D("0.5"))
    broker = marked(slippage=FixedSlippage(D(1)), default_terms=terms)
    assert broker.submit(order(1)).average_price == D("100.5")
    assert broker.submit(order(2, "sell")).average_price == D("99.5")


def test_slippage_stops_at_the_limit() -> None:
    broker = marked(slippage=FixedSlippage(D(500)))
    assert broker.submit(order(limit="101")).average_price == D(101)


def test_impact_grows_with_the_root_of_the_share() -> None:
    model = SquareRootImpact(coefficient_bps=D(100), half_spread_bps=D(2))
    assert model.price(Side.BUY, D(100), D(1), D(100)) == D("100.12")
    assert model.price(Side.SELL, D(100), D(4), D(100)) == D("99.78")
    assert model.price(Side.BUY, D(100), D(1), None) == D("101.02")


@pytest.mark.parametrize(
    ("fees", "maker", "fee"),
    [
        (NotionalFees(taker_bps=D(10), maker_bps=D(-2)), False, D("0.2")),
        (NotionalFees(taker_bps=D(10), maker_bps=D(-2)), True, D("-0.04")),
        (NotionalFees(taker_bps=D(10), minimum=D(1)), False, D(1)),
        (UnitFees(per_unit=D("0.005")), False, D("0.010")),
        (UnitFees(per_unit=D("0.005"), minimum=D("0.35")), True, D("0.35")),
    ],
)
def test_fees(fees: Any, maker: bool, fee: Decimal) -> None:
    assert fees.fee(D(2), D(100), maker=maker) == fee


def test_the_settings_of_a_world_say_what_paper_costs() -> None:
    settings = {"taker_bps": "10", "maker_bps": None, "slippage_bps": "5", "participation": "0.5"}
    broker = PaperBroker(fill_at="mark", **costs_of(settings))
    broker.see(bar(0, "100", volume="3"))
    report = broker.submit(order())
    assert (report.filled, report.average_price) == (D("1.5"), D("100.05"))
    assert report.fee == D("0.150075")
    assert costs_of({}) == costs_of({"taker_bps": 0, "slippage_bps": 0})


def test_leverage_bounds_what_is_opened_and_not_what_is_closed() -> None:
    broker = marked(cash=D(100), max_leverage=D(2))
    assert broker.submit(order(1, qty="2")).status is OrderStatus.FILLED
    assert broker.submit(order(2, qty="0.1")).reject is Reject.NO_FUNDS
    broker.see(quote(SPOT, D(60), BEGIN + DAY))
    assert broker.submit(order(3, "sell", "1")).status is OrderStatus.FILLED


# --- laws -------------------------------------------------------------------------------------------------
PRICES = st.decimals("0.5", "500", places=2)
ORDERS = st.fixed_dictionaries(
    {
        "number": st.integers(0, 12),
        "side": st.sampled_from(["buy", "sell"]),
        "qty": st.decimals("0.1", "9", places=1).map(str),
        "limit": st.none() | PRICES.map(str),
        "reduce_only": st.booleans(),
    }
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("see"), PRICES, st.none() | st.decimals("0", "9", places=1)),
        st.tuples(st.just("submit"), ORDERS),
        st.tuples(st.just("cancel"), st.integers(0, 12)),
    ),
    max_size=30,
)
FILL_AT = st.sampled_from(["mark", "next_bar"])


def fresh(fill_at: Any) -> PaperBroker:
    return PaperBroker(
        cash=D(1000),
        fill_at=fill_at,
        fees=NotionalFees(taker_bps=D("2.5"), maker_bps=D("-1.25")),
        slippage=FixedSlippage(D("3.3")),
        participation=D("0.5"),
        default_terms=Terms(lot=D("0.1"), tick=D("0.01")),
        max_leverage=D(3),
    )


def act(broker: PaperBroker, step: Any, moment: int) -> None:
    ts = BEGIN + moment * DAY
    match step:
        case ("see", price, volume):
            prices = (price, price + D("0.5"), price - D("0.25"), price)
            first, high, low, last = prices
            broker.see(Bar(ts=ts, symbol=SPOT, open=first, high=high, low=low, close=last, volume=volume))
        case ("submit", fields):
            wanted = order(**fields, ts=ts)
            known = broker.order(wanted.client_order_id)
            if known is None or known.order.is_same(wanted):
                broker.submit(wanted)
        case ("cancel", number) if broker.order(order(number).client_order_id) is not None:
            broker.cancel(order(number).client_order_id)


@settings(max_examples=120, deadline=None)
@given(steps=STEPS, fill_at=FILL_AT)
def test_a_broker_that_is_put_away_after_every_step_goes_on_as_if_it_had_not_been(
    steps: list[Any], fill_at: Any
) -> None:
    one, other = fresh(fill_at), fresh(fill_at)
    for moment, step in enumerate(steps):
        act(one, step, moment)
        act(other, step, moment)
        text = json.dumps(other.state())
        other = fresh(fill_at)
        other.load(json.loads(text))
    assert other.state() == one.state()
    assert other.open_orders() == one.open_orders()


@settings(max_examples=200, deadline=None)
@given(steps=STEPS, fill_at=FILL_AT)
def test_positions_and_money_are_what_the_fills_made_of_them(steps: list[Any], fill_at: Any) -> None:
    broker = fresh(fill_at)
    for moment, step in enumerate(steps):
        act(broker, step, moment)
    fills = broker.fills()
    assert broker.positions() == total(fills)
    spent = [(fill.qty * fill.side.sign) * fill.price + fill.fee for fill in fills]
    assert broker.cash == D(1000) - sum(spent)
    assert [fill.ts for fill in fills] == sorted(fill.ts for fill in fills)
    by_order: dict[str, Decimal] = {}
    for fill in fills:
        by_order[fill.order_id] = by_order.get(fill.order_id, D(0)) + fill.qty
    for name, filled in by_order.items():
        report = broker.order(name)
        assert report is not None
        assert report.filled == filled <= report.order.qty
        assert (report.status is OrderStatus.FILLED) is (filled == report.order.qty)


@settings(max_examples=200, deadline=None)
@given(steps=STEPS, fill_at=FILL_AT)
def test_a_reducing_order_never_passes_zero_and_a_limit_is_never_passed(
    steps: list[Any], fill_at: Any
) -> None:
    broker = fresh(fill_at)
    for moment, step in enumerate(steps):
        before, known = broker.positions().get(AT, D(0)), len(broker.fills())
        act(broker, step, moment)
        for fill in broker.fills()[known:]:
            report = broker.order(fill.order_id)
            assert report is not None
            asked = report.order
            if asked.reduce_only:
                assert before * fill.side.sign < 0
                assert abs(before) >= fill.qty
            if asked.limit_price is not None:
                assert (asked.limit_price - fill.price) * fill.side.sign >= 0
            before += fill.signed


@pytest.mark.parametrize(
    "state", [{}, {"version": 2}, {"version": 1}, {"version": 1, "cash": "x", "positions": []}]
)
def test_what_is_no_state_is_refused(state: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no state"):
        PaperBroker().load(state)
