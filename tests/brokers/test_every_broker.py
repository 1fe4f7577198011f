"""What every broker does: the paper broker and ccxt against a simulated exchange pass the same tests."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from qmtl.brokers import Instrument, OrderConflict, OrderStatus, Reject, TimeInForce, UnknownOrder, reconcile
from tests.brokers.scene import BEGIN, ExchangeScene, PaperScene, Scene, name, order, total
from tests.brokers.simulated import SPOT, SWAP

D = Decimal


@pytest.fixture(params=[PaperScene, ExchangeScene], ids=["paper", "ccxt"])
def scene(request: pytest.FixtureRequest) -> Scene:
    made: Scene = request.param()
    return made


@pytest.fixture(params=[PaperScene, ExchangeScene], ids=["paper", "ccxt"])
def swap(request: pytest.FixtureRequest) -> Scene:
    made: Scene = request.param(SWAP)
    return made


def test_a_market_order_fills_at_the_market(scene: Scene) -> None:
    report = scene.broker.submit(order())
    assert (report.status, report.filled, report.average_price) == (OrderStatus.FILLED, D(2), D(100))
    (fill,) = scene.broker.fills()
    assert (fill.order_id, fill.strategy_id, fill.qty, fill.price) == (name(1), "mom", D(2), D(100))
    assert (fill.fee, fill.mode) == (D("0.2"), scene.broker.mode)
    assert scene.broker.positions() == {Instrument(SPOT): D(2)}


def test_a_limit_order_waits_for_its_price(scene: Scene) -> None:
    assert scene.broker.submit(order(limit="90")).status is OrderStatus.OPEN
    assert [each.order.client_order_id for each in scene.broker.open_orders()] == [name(1)]
    scene.trade_at("89")
    report = scene.broker.order(name(1))
    assert report is not None
    assert (report.status, report.filled) == (OrderStatus.FILLED, D(2))
    assert report.average_price is not None
    assert report.average_price <= 90
    assert list(scene.broker.open_orders()) == []


def test_an_order_fills_in_parts(scene: Scene) -> None:
    scene.at_most("0.5")
    report = scene.broker.submit(order(limit="100"))
    assert (report.status, report.filled) == (OrderStatus.PARTIALLY_FILLED, D("0.5"))
    for _ in range(3):
        scene.trade_at("100")
    done = scene.broker.order(name(1))
    assert done is not None
    assert (done.status, done.filled) == (OrderStatus.FILLED, D(2))
    fills = scene.broker.fills()
    assert len({fill.fill_id for fill in fills}) == 4
    assert total(fills) == scene.broker.positions() == {Instrument(SPOT): D(2)}


def test_what_is_left_is_cancelled_on_request(scene: Scene) -> None:
    scene.at_most("0.5")
    scene.broker.submit(order(limit="100"))
    report = scene.broker.cancel(name(1))
    assert (report.status, report.filled, report.reject) == (
        OrderStatus.CANCELLED,
        D("0.5"),
        Reject.REQUESTED,
    )
    scene.trade_at("100")
    assert scene.broker.positions() == {Instrument(SPOT): D("0.5")}


def test_cancelling_what_is_done_changes_nothing(scene: Scene) -> None:
    scene.broker.submit(order())
    assert scene.broker.cancel(name(1)).status is OrderStatus.FILLED


def test_an_unknown_order_is_none_and_cannot_be_cancelled(scene: Scene) -> None:
    assert scene.broker.order(name(9)) is None
    with pytest.raises(UnknownOrder):
        scene.broker.cancel(name(9))


def test_an_immediate_order_leaves_nothing_behind(scene: Scene) -> None:
    report = scene.broker.submit(order(limit="90", time_in_force=TimeInForce.IOC))
    assert report.status is OrderStatus.CANCELLED
    assert list(scene.broker.open_orders()) == []


@pytest.mark.parametrize(
    ("asked", "reject"),
    [
        (order(qty="0.0005"), Reject.LOT),
        (order(limit="90.25"), Reject.TICK),
        (order(qty="0.01", limit="90"), Reject.MIN_NOTIONAL),
        (order(symbol="DOGE/USDT"), Reject.UNKNOWN_SYMBOL),
        (order(side="sell", reduce_only=True), Reject.NOT_REDUCING),
        (order(qty="2000"), Reject.NO_FUNDS),
    ],
    ids=lambda value: str(getattr(value, "qty", value)),
)
def test_a_refused_order_says_why_and_moves_nothing(scene: Scene, asked: object, reject: Reject) -> None:
    report = scene.broker.submit(asked)  # type: ignore[arg-type]
    assert (report.status, report.reject, report.filled) == (OrderStatus.REJECTED, reject, D(0))
    assert report.reason
    assert (dict(scene.broker.positions()), list(scene.broker.fills())) == ({}, [])


def test_nothing_is_sold_that_is_not_owned_on_a_spot_market(scene: Scene) -> None:
    report = scene.broker.submit(order(side="sell"))
    assert (report.status, scene.broker.positions()) == (OrderStatus.REJECTED, {})


def test_the_same_order_again_is_the_same_order(scene: Scene) -> None:
    first = scene.broker.submit(order())
    again = scene.broker.submit(order(ts=BEGIN + timedelta(minutes=5)))
    assert (again.status, again.filled) == (first.status, first.filled)
    assert len(scene.broker.fills()) == 1


@pytest.mark.parametrize("change", [{"qty": "3"}, {"side": "sell"}, {"limit": "90"}], ids=str)
def test_another_order_under_its_name_is_refused(scene: Scene, change: dict[str, str]) -> None:
    scene.broker.submit(order())
    with pytest.raises(OrderConflict):
        scene.broker.submit(order(**change))
    assert len(scene.broker.fills()) == 1


@pytest.mark.parametrize("limit", [None, "90"])
def test_the_same_order_in_another_life_is_the_same_order(scene: Scene, limit: str | None) -> None:
    before = scene.broker.submit(order(limit=limit))
    again = scene.begin_again().submit(order(limit=limit))
    assert (again.status, again.filled) == (before.status, before.filled)
    with pytest.raises(OrderConflict):
        scene.begin_again().submit(order(qty="3", limit=limit))
    assert len(scene.broker.open_orders()) + len(scene.broker.fills()) == 1


def test_a_position_goes_through_zero_and_back(swap: Scene) -> None:
    for number, (side, qty) in enumerate([("buy", "2"), ("sell", "3"), ("buy", "1")]):
        swap.broker.submit(order(number, side, qty, symbol=SWAP))
        swap.trade_at("50")
    assert swap.broker.positions() == {}
    assert total(swap.broker.fills()) == {}


def test_a_reducing_order_stops_at_zero(swap: Scene) -> None:
    swap.broker.submit(order(1, "sell", "2", symbol=SWAP))
    report = swap.broker.submit(order(2, "buy", "3", symbol=SWAP, reduce_only=True))
    assert (report.status, report.filled) == (OrderStatus.CANCELLED, D(2))
    assert swap.broker.positions() == {}


def test_fills_are_read_from_a_time_on_and_again_the_same(scene: Scene) -> None:
    scene.broker.submit(order(1))
    scene.trade_at("101")
    scene.broker.submit(order(2, ts=BEGIN + timedelta(seconds=2)))
    everything = list(scene.broker.fills())
    assert [fill.price for fill in everything] == [D(100), D(101)]
    assert list(scene.broker.fills(everything[1].ts)) == everything[1:]
    assert list(scene.broker.fills()) == everything


def test_after_a_restart_what_was_missed_is_found(scene: Scene) -> None:
    scene.broker.submit(order(1))
    scene.broker.submit(order(2, limit="90"))
    seen = {fill.fill_id for fill in scene.broker.fills()}
    scene.trade_at("89")
    found = reconcile(
        scene.begin_again(),
        positions={Instrument(SPOT): D(2)},
        fills_seen=seen,
        orders=[name(2), name(3)],
        since=BEGIN,
    )
    assert [fill.order_id for fill in found.missed_fills] == [name(2)]
    assert [(each.order.client_order_id, each.status) for each in found.orders] == [
        (name(2), OrderStatus.FILLED)
    ]
    assert found.never_arrived == (name(3),)
    assert found.agrees


def test_a_position_that_nobody_can_explain_is_told(scene: Scene) -> None:
    scene.broker.submit(order(1))
    seen = {fill.fill_id for fill in scene.broker.fills()}
    found = reconcile(scene.broker, positions={}, fills_seen=seen, orders=[])
    assert not found.agrees
    assert found.differences == ((Instrument(SPOT), D(0), D(2)),)


def test_an_open_order_that_nobody_remembers_is_told(scene: Scene) -> None:
    scene.broker.submit(order(1, limit="90"))
    found = reconcile(scene.begin_again(), positions={}, fills_seen=set(), orders=[])
    assert [each.order.client_order_id for each in found.strays] == [name(1)]
    assert not found.agrees
