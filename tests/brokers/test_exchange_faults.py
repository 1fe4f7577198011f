"""An exchange that loses requests and answers, and what else happens out there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import ccxt
import pytest

from qmtl.brokers import BrokerMisuse, BrokerUnavailable, Instrument, OrderStatus, Reject
from qmtl.brokers.exchange import CcxtBroker, connect
from qmtl.brokers.exchange_reading import Market
from tests.brokers.scene import BEGIN, OWNERS, D, ExchangeScene, name, order
from tests.brokers.simulated import SPOT, SWAP, SimulatedExchange, market

LATER = BEGIN + timedelta(hours=2)


def failing(error: Exception, *, times: int = 1, on: str = "create_order") -> Callable[[str], None]:
    left = [times]

    def hook(call: str) -> None:
        if call == on and left[0]:
            left[0] -= 1
            raise error

    return hook


@pytest.fixture
def scene() -> ExchangeScene:
    return ExchangeScene()


@pytest.mark.parametrize(
    "error", [ccxt.RequestTimeout("late"), ccxt.ExchangeNotAvailable("503"), ccxt.BadResponse("<html>")]
)
def test_an_order_whose_answer_was_lost_is_found_and_not_sent_again(
    scene: ExchangeScene, error: Exception
) -> None:
    scene.exchange.after = failing(error)
    report = scene.broker.submit(order())
    assert report.status is OrderStatus.FILLED
    assert scene.broker.submit(order()).status is OrderStatus.FILLED
    assert scene.broker.positions() == {Instrument(SPOT): D(2)}
    assert scene.exchange.calls.count("create_order") == 1


def test_an_order_that_never_arrived_is_not_known_and_can_be_sent_again(scene: ExchangeScene) -> None:
    scene.exchange.before = failing(ccxt.RequestTimeout("lost"))
    with pytest.raises(BrokerUnavailable, match="no answer"):
        scene.broker.submit(order())
    assert scene.broker.submit(order()).status is OrderStatus.FILLED
    assert len(scene.broker.fills()) == 1


def test_while_nothing_answers_nothing_is_claimed(scene: ExchangeScene) -> None:
    def dead(call: str) -> None:
        raise ccxt.NetworkError("no route")

    scene.exchange.before = dead
    for ask in (
        lambda: scene.broker.submit(order()),
        lambda: scene.broker.order(name(1)),
        lambda: scene.broker.cancel(name(1)),
        scene.broker.open_orders,
        scene.broker.positions,
        scene.broker.fills,
    ):
        with pytest.raises(BrokerUnavailable):
            ask()
    scene.exchange.before = lambda call: None
    scene.broker.submit(order())
    assert scene.exchange.calls.count("create_order") >= 1
    assert len(scene.exchange.books) == 1


def test_an_order_whose_answer_was_lost_while_nothing_could_be_seen_is_sent_once(
    scene: ExchangeScene,
) -> None:
    scene.exchange.after = failing(ccxt.RequestTimeout("late"))
    scene.exchange.before = failing(ccxt.RequestTimeout("late"), on="list_orders")
    with pytest.raises(BrokerUnavailable):
        scene.broker.submit(order())
    assert scene.broker.submit(order()).status is OrderStatus.FILLED
    assert len(scene.exchange.books) == 1


def test_an_order_that_filled_while_it_was_cancelled_is_filled(scene: ExchangeScene) -> None:
    scene.broker.submit(order(limit="90"))

    def fill_first(call: str) -> None:
        if call == "cancel_order":
            scene.exchange.before = lambda _: None
            scene.exchange.trade_at(D(80))

    scene.exchange.before = fill_first
    assert scene.broker.cancel(name(1)).status is OrderStatus.FILLED


@pytest.mark.parametrize(
    ("error", "reject"),
    [
        (ccxt.InsufficientFunds("none"), Reject.NO_FUNDS),
        (ccxt.MarketClosed("closed"), Reject.REFUSED),
        (ccxt.InvalidOrder("odd"), Reject.REFUSED),
        (ccxt.BadSymbol("what"), Reject.UNKNOWN_SYMBOL),
    ],
)
def test_a_refusal_of_the_exchange_is_a_report(
    scene: ExchangeScene, error: Exception, reject: Reject
) -> None:
    scene.exchange.before = failing(error)
    report = scene.broker.submit(order())
    assert (report.status, report.reject, report.reason) == (OrderStatus.REJECTED, reject, str(error))


def test_wrong_keys_are_told_as_what_they_are(scene: ExchangeScene) -> None:
    scene.exchange.before = failing(ccxt.AuthenticationError("bad key"))
    with pytest.raises(BrokerMisuse, match="bad key"):
        scene.broker.submit(order())


def test_what_others_do_in_the_account_is_not_ours(scene: ExchangeScene) -> None:
    scene.exchange.create_order(SPOT, "limit", "buy", 1.0, 90.0)
    scene.exchange.create_order(SPOT, "market", "buy", 1.0)
    assert (scene.broker.open_orders(), scene.broker.fills()) == ([], [])
    assert scene.broker.positions() == {Instrument(SPOT): D(1)}


def test_an_order_without_the_tag_of_its_strategy_is_not_sent(scene: ExchangeScene) -> None:
    with pytest.raises(BrokerMisuse, match="tag"):
        scene.broker.submit(order(strategy_id="rev"))


def test_a_fresh_order_costs_no_search(scene: ExchangeScene) -> None:
    scene.broker.submit(order())
    assert "list_orders" not in scene.exchange.calls


def test_contracts_are_counted_in_units_of_what_they_are_of() -> None:
    scene = ExchangeScene(SWAP)
    scene.broker.submit(order(1, "sell", "2", symbol=SWAP))
    assert scene.exchange.contracts == {SWAP: D(-20)}
    assert scene.broker.positions() == {Instrument(SWAP): D(-2)}
    (fill,) = scene.broker.fills()
    assert (fill.qty, fill.fee) == (D(2), D("0.1"))


def test_reducing_is_left_to_an_exchange_that_can(scene: ExchangeScene) -> None:
    scene.broker.submit(order(1, "buy", "2", symbol=SWAP))
    scene.broker.submit(order(2, "sell", "1", symbol=SWAP, reduce_only=True))
    assert [row["reduceOnly"] for row in scene.exchange.books.values()] == [False, True]


def test_a_spot_sale_beyond_what_is_held_is_no_reduction(scene: ExchangeScene) -> None:
    scene.broker.submit(order(1))
    assert scene.broker.submit(order(2, "sell", "3", reduce_only=True)).reject is Reject.NOT_REDUCING
    assert scene.broker.submit(order(3, "sell", "2", reduce_only=True)).status is OrderStatus.FILLED


@pytest.mark.parametrize(
    ("fee", "cost"),
    [
        ({"cost": "0.5", "currency": "USDT"}, D("0.5")),
        ({"cost": "0.002", "currency": "BTC"}, D("0.2")),
        ({"cost": "0.001", "currency": "BNB"}, D("0.6")),
        ({"cost": "7", "currency": "DOGE"}, D(0)),
        ({"cost": "-0.1", "currency": "USDT"}, D("-0.1")),
        (None, D(0)),
    ],
)
def test_a_fee_is_worth_what_it_costs_in_the_quote_currency(
    scene: ExchangeScene, fee: Any, cost: Any
) -> None:
    scene.broker.submit(order())
    scene.exchange.trades_done[0]["fee"] = fee
    assert scene.broker.fills()[0].fee == cost


def test_many_trades_come_in_many_pages(scene: ExchangeScene) -> None:
    scene.at_most("0.001")
    scene.broker.submit(order(limit="100", qty="1.2"))
    for _ in range(1199):
        scene.trade_at("100")
    fills = scene.broker.fills()
    assert len({fill.fill_id for fill in fills}) == 1200
    assert sum(fill.qty for fill in fills) == D("1.2")


def test_inverse_contracts_are_refused() -> None:
    with pytest.raises(BrokerMisuse, match="inverse"):
        Market.of(market(SWAP, swap=True) | {"inverse": True})


def test_settings_of_the_service_make_an_exchange() -> None:
    settings = {
        "exchange": "binance",
        "sandbox": True,
        "options": {"defaultType": "spot"},
        "credentials": {"apiKey": "k", "secret": "s"},
    }
    exchange = connect(settings)
    assert (exchange.id, exchange.apiKey, exchange.secret) == ("binance", "k", "s")
    assert "testnet" in exchange.urls["api"]["private"]
    with pytest.raises(BrokerMisuse, match="no exchange"):
        connect(settings | {"exchange": "exchange"})


def test_a_restart_looks_before_it_sends(scene: ExchangeScene) -> None:
    scene.broker.submit(order())
    again = CcxtBroker(scene.exchange, symbols=[SPOT], owners=OWNERS, clock=lambda: LATER)
    assert again.submit(order()).status is OrderStatus.FILLED
    assert len(scene.exchange.books) == 1
    assert isinstance(scene.exchange, SimulatedExchange)
