"""What a runner says of handed orders that it does not fill, and that it takes back what somebody cancels."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest

from qmtl.client import Unreachable
from tests.sdk.told import NOW, Life, Told, order


@pytest.fixture
def service() -> Told:
    return Told()


def test_what_the_broker_refuses_is_told_once_with_its_reason(service: Told) -> None:
    life = Life(service, lot=Decimal(1))
    service.apply("r", order("o1", ("a", 1.5)))
    life.go().go()
    assert service.words == [{"order_id": "o1", "outcome": "not_filled", "reason": "1.5 is no multiple of 1"}]
    again = Life(service, after=life, lot=Decimal(1)).go()
    service.apply("r", order("o1", ("a", 1.5)))
    again.go()
    assert len(service.words) == 1  # tried again, for the same reason


def test_an_order_of_several_worlds_is_told_as_such(service: Told) -> None:
    life = Life(service)
    service.apply("r", order("o1", ("a", 1), qty=5, world_id=None))
    life.go()
    (word,) = service.words
    assert (word["outcome"], "several worlds" in word["reason"]) == ("not_filled", True)


def test_what_could_not_be_told_is_told_later(service: Told) -> None:
    life = Life(service, lot=Decimal(1))
    service.apply("r", order("o1", ("a", 1.5)))
    life.executing.log.read(life.trader.lock)
    life.executing.log.begin(1)
    service.is_away = True
    with suppress(Unreachable):
        life.step()
    life.save()
    service.is_away = False
    Life(service, after=life, lot=Decimal(1)).go().go()
    assert len(service.words) == 1


def test_what_is_cancelled_before_it_was_sent_is_not_sent(service: Told) -> None:
    life = Life(service)
    life.gates()
    service.apply("r", order("o1", ("a", 1)))
    life.go()
    service.apply("r", order("o1", ("a", 1), status="cancelling"), status="cancelling")
    life.gates("a", "b")
    life.go().go()
    assert (service.fills("a"), life.desk.broker.open_orders()) == (0, [])
    assert [word["outcome"] for word in service.words] == ["taken_back"]


def test_what_is_cancelled_at_the_broker_is_taken_back(service: Told) -> None:
    life = Life(service)
    service.apply("r", order("o1", ("a", 1)))
    life.step()
    assert len(life.desk.broker.open_orders()) == 1
    service.apply("r", order("o1", ("a", 1), status="cancelling"), status="cancelling")
    life.step()
    assert life.desk.broker.open_orders() == []
    assert [word["outcome"] for word in service.words] == ["taken_back"]
    service.apply("r", order("o1", ("a", 1), status="cancelled"), status="cancelled")
    life.go().go()
    assert (service.fills("a"), life.executing.waiting, len(service.words)) == (0, [], 1)


def test_what_was_filled_before_it_could_be_taken_back_is_told_as_filled(service: Told) -> None:
    life = Life(service)
    service.apply("r", order("o1", ("a", 1)))
    life.step()
    life.see()
    service.apply("r", order("o1", ("a", 1), status="cancelling"), status="cancelling")
    life.step()
    assert (service.fills("a"), life.position, service.words) == (1, 1, [])


def test_an_order_that_was_abandoned_is_still_taken_back(service: Told) -> None:
    life = Life(service)
    service.apply("r", order("o1", ("a", 1)))
    life.step()
    service.apply("r", order("o1", ("a", 1), status="cancelled"), status="cancelled")
    life.go()
    assert (life.desk.broker.open_orders(), service.fills("a"), service.words) == ([], 0, [])
    assert life.executing.waiting == []


def test_the_past_of_others_is_not_cancelled_again(service: Told) -> None:
    service.apply("old", order("o0", ("a", 9)))
    service.apply("old", order("o0", ("a", 9), status="cancelling"), status="cancelling")
    service.apply("old", order("o0", ("a", 9), status="cancelled"), status="cancelled")
    life = Life(service).go()
    assert (life.executing.waiting, service.words, service.fills("a")) == ([], [], 0)


def test_who_is_not_the_newest_says_nothing(service: Told) -> None:
    life = Life(service, lot=Decimal(1))
    service.apply("r", order("o1", ("a", 1.5)))
    service.gates.append(Told.client_of("other", NOW + timedelta(hours=1)))
    life.go()
    assert service.words == []


@pytest.mark.parametrize("scale", ["3", "0"])
def test_who_is_cancelled_has_the_capital_that_he_had(service: Told, scale: str) -> None:
    life = Life(service)
    before = life.desk.worth
    service.apply("r", order("o1", ("a", 1)), scale=scale)
    life.step()
    assert (life.desk.is_funded, life.desk.worth == before) == (scale != "0", scale == "0")
    life.save()
    again = Life(service, after=life)
    service.apply("r", order("o1", ("a", 1), status="cancelled"), status="cancelled", scale=scale)
    again.step().step()
    assert (again.desk.is_funded, again.desk.worth) == (True, pytest.approx(before))
