"""What the executing runner does with each handed order: gates, refusals, rivals, restarts, everybody's parts."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from qmtl.client import Unreachable
from qmtl.sdk import Bar
from tests.sdk.told import NOW, Life, Told, order


@pytest.fixture
def service() -> Told:
    return Told()


def test_it_is_filled_booked_and_reported(service: Told) -> None:
    life = Life(service)
    service.apply("r", order("o1", ("a", 2)))
    life.go()
    assert (service.fills("a"), life.position) == (2, 2)


def test_nothing_is_done_twice(service: Told) -> None:
    life = Life(service)
    service.apply("r", order("o1", ("a", 2)))
    life.go()
    service.apply("r", order("o1", ("a", 2)))
    life.go().go()
    service.apply("r", order("o1", ("a", 2), status="filled"), status="completed")
    life.go()
    assert (service.fills("a"), life.position) == (2, 2)


def test_what_was_handed_while_nobody_was_there_is_found(service: Told) -> None:
    service.apply("old", order("o0", ("a", 9)))
    service.apply("old", order("o0", ("a", 9), status="filled"), status="completed")
    service.apply("r", order("o1", ("a", 2)))
    life = Life(service).go()
    assert (service.fills("a"), life.position) == (2, 2)


@pytest.mark.parametrize("when", ["before it is sent", "at work", "filled", "reported"])
def test_a_restart_loses_and_doubles_nothing(service: Told, when: str) -> None:
    life = Life(service)
    service.apply("r", order("o1", ("a", 1), ("b", 2)))
    match when:
        case "before it is sent":
            life.executing.log.read(life.trader.lock)
        case "at work":
            life.step()
        case "filled":
            life.step()
            service.is_away = True
            life.see()
            with suppress(Unreachable):
                life.step()
            service.is_away = False
        case _:
            life.go()
    life.save()
    again = Life(service, after=life)
    again.go().go()
    assert (service.fills("a"), service.fills("b"), again.position) == (1, 2, 1)


def test_a_crash_between_remembering_and_sending_sends_it(service: Told) -> None:
    life = Life(service)
    service.apply("r", order("o1", ("a", 2)))
    life.executing.log.read(life.trader.lock)
    (waiting,) = life.executing.waiting
    waiting.order("w", NOW)
    life.save()
    again = Life(service, after=life).go().go()
    assert (service.fills("a"), again.position) == (2, 2)


def test_what_opens_waits_for_every_gate(service: Told) -> None:
    life = Life(service)
    life.gates("a")
    service.apply("r", order("o1", ("a", 1), ("b", 2)))
    life.go().go()
    assert (service.fills("a"), life.said_that("closed of b")) == (0, True)
    life.gates("a", "b")
    life.go()
    assert (service.fills("a"), service.fills("b")) == (1, 2)


def test_without_a_lease_nothing_opens(service: Told) -> None:
    life = Life(service)
    life.ahead = 1_000.0
    service.apply("r", order("o1", ("a", 1)))
    life.go()
    assert (service.fills("a"), life.said_that("the lease has run out")) == (0, True)


def test_a_reduction_passes_a_closed_gate_and_goes_no_further(service: Told) -> None:
    life = Life(service)
    life.hold(3)
    life.gates()
    service.apply("r", order("o1", ("a", -2), purpose="reduce"))
    life.go()
    assert (service.fills("a"), life.position) == (-2, 1)
    service.apply("r2", order("o2", ("a", -2), purpose="reduce"))
    life.go()
    assert life.position == 1


def test_reductions_come_first(service: Told) -> None:
    life = Life(service)
    life.hold(3)
    out, into = order("o1", ("a", -3), purpose="reduce"), order("o2", ("a", -1))
    service.apply("r", into, out)
    life.step()
    assert [each.order.qty for each in life.desk.broker.open_orders()] == [3]
    life.see()
    life.go()
    assert (service.fills("a"), life.position) == (-4, -1)


def test_what_the_others_hold_is_reduced_for_them(service: Told) -> None:
    life = Life(service)
    life.hold(1)
    service.apply("r", order("o1", ("a", -1), ("b", -2), purpose="reduce"))
    life.go()
    assert (service.fills("a"), service.fills("b"), life.position) == (-1, -2, 0)


def test_strategies_trade_with_each_other_without_an_order(service: Told) -> None:
    life = Life(service)
    service.apply("r", order("o1", ("a", 2), ("b", -2), purpose="cross"))
    life.step()
    assert (service.fills("a"), service.fills("b"), life.position) == (2, -2, 2)
    assert life.desk.broker.fills() == []


def test_a_refused_order_is_tried_again_when_somebody_asks(service: Told) -> None:
    life = Life(service, lot=Decimal(1))
    service.apply("r", order("o1", ("a", 1.5)))
    life.go().go()
    assert life.said_that("no multiple of 1")
    again = Life(service, after=life, lot=Decimal("0.1")).go().go()
    assert (service.fills("a"), again.executing.pause > 2.0) == (0, True)
    service.apply("r", order("o1", ("a", 1.5)))
    again.go()
    assert (service.fills("a"), again.position) == (Decimal("1.5"), Decimal("1.5"))


def test_the_one_who_registered_last_executes(service: Told) -> None:
    life = Life(service)
    service.gates.append(Told.client_of("other", NOW + timedelta(hours=1)))
    service.apply("r", order("o1", ("a", 1)))
    life.go().go()
    assert (service.fills("a"), life.said_that("another runner executes as desk")) == (0, True)
    service.gates.pop()
    life.go()
    assert service.fills("a") == 1


def test_what_somebody_else_executed_is_booked_once(service: Told) -> None:
    life = Life(service, executor=None)
    fill = {
        "fill_id": "f", "order_id": "o1", "ts": NOW.isoformat(), "symbol": "BTC", "side": "buy", "qty": "2",
        "price": "100", "fee": "0", "mode": "live",
    }  # fmt: skip
    service.apply("r", order("o1", ("a", 2), executor="else"), scale="2")
    life.step()
    service.kept["a"] = {"f": fill}
    service.apply("r", order("o1", ("a", 2), executor="else", status="filled"), status="completed", scale="2")
    life.step().step()
    assert (life.position, life.desk.worth) == (2, 20_000)


def test_an_order_of_several_worlds_is_left(service: Told) -> None:
    life = Life(service)
    service.apply("r", order("o1", ("a", 1), qty=5, world_id=None))
    life.go()
    assert (service.fills("a"), life.said_that("several worlds")) == (0, True)
    assert life.said_that("abandon the order, then trade it by hand, or plan again without shared_account")
    assert not life.said_that("to have it tried again")


def test_a_symbol_without_a_price_waits(service: Told) -> None:
    life = Life(service)
    service.apply("r", order("o1", ("a", 1), symbol="DOGE"))
    life.go()
    assert life.said_that("no price of DOGE")


def test_an_opening_is_taken_back_when_its_gate_closes_and_sent_again(service: Told) -> None:
    life = Life(service)
    service.apply("r", order("o1", ("a", 1), ("b", 1)))
    life.step()
    life.gates("a")
    life.trader.changed()
    assert life.desk.broker.open_orders() == []
    life.go()
    assert service.fills("a") == 0
    life.gates("a", "b")
    life.go()
    assert (service.fills("a"), service.fills("b")) == (1, 1)


def test_a_heartbeat_takes_nothing_back_whose_gates_are_open(service: Told) -> None:
    life = Life(service)
    service.apply("r", order("o1", ("a", 1), ("b", 1)))
    life.step()
    life.trader.changed()
    assert len(life.desk.broker.open_orders()) == 1


def test_the_own_targets_wait_and_follow_the_new_capital(service: Told) -> None:
    life = Life(service)
    life.trader.mode = "live"
    service.apply("r", order("o1", ("a", 2)), scale="3")
    life.step()
    bar = Bar(0, {"close": np.array([100.0, 10.0])})
    life.trader.trade(bar, np.array([0.3, 0.0]))
    assert len(life.desk.broker.open_orders()) == 1  # the handed one
    life.see()
    life.trader.trade(bar, np.array([0.3, 0.0]))
    (own,) = life.desk.broker.open_orders()
    assert own.order.qty == pytest.approx(Decimal(88))  # 0.3 of 30,000 at 100, less the two that are there


def test_nothing_allotted_is_nothing_held(service: Told) -> None:
    life = Life(service)
    life.trader.mode = "live"
    life.hold(3)
    service.apply("r", order("o1", ("a", -3), purpose="reduce"), scale="0")
    life.go()
    life.trader.trade(Bar(0, {"close": np.array([100.0, 10.0])}), np.array([0.3, 0.0]))
    assert (life.position, life.desk.broker.open_orders()) == (0, [])


def test_all_digits_of_a_quantity_are_traded(service: Told) -> None:
    life = Life(service, lot=Decimal("1e-18"))
    whole = order("o1", ("a", 1))
    service.apply("r", whole)
    exact = "0.333333333333333333"
    answer = service.answer

    def with_digits(request):  # type: ignore[no-untyped-def]
        found = answer(request)
        if not request.url.path.endswith("/events"):
            return found
        text = found.text.replace('"qty":1', f'"qty":{exact}').replace(
            '"delta_qty":1', f'"delta_qty":{exact}'
        )
        return type(found)(200, text=text)

    life.client.http._transport.handler = with_digits  # type: ignore[attr-defined]
    life.go()
    assert service.fills("a") == Decimal(exact)
