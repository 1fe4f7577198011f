"""A closed gate lets nothing open; what reduces passes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmtl.brokers import GatedBroker, Instrument, OrderConflict, OrderStatus, PaperBroker, Reject, quote
from qmtl.contracts.gate import GateView
from tests.brokers.scene import BEGIN, STRATEGY, WORLD, D, name, order
from tests.brokers.simulated import SPOT

AT = Instrument(SPOT)


def envelope(sequence: int, **fields: Any) -> dict[str, Any]:
    told = {"active": True, "freeze": False, "drain": False, "effective_mode": "live", **fields}
    return {"strategy_id": STRATEGY, "epoch": [1, sequence], "sequence": sequence, **told}


class Scene:
    """A gate with a lease of ten seconds that was told to be open, before a paper account."""

    def __init__(self, *, held: str = "0", **fields: Any) -> None:
        self.now = 0.0
        self.gate = GateView(WORLD, sequence=1, envelopes=[envelope(1, **fields)])
        self.gate.renewed(sent=0.0, lease_seconds=10.0, decision_seconds=1e6, newest=1)
        self.paper = PaperBroker(fill_at="mark", positions={AT: D(held)})
        self.paper.see(quote(SPOT, D(100), BEGIN))
        self.broker = GatedBroker(self.paper, self.gate, clock=lambda: self.now)

    def tell(self, **fields: Any) -> None:
        sequence = self.gate.sequence + 1
        event = {"sequence": sequence, "source": f"/worlds/{WORLD}", "type": "activation.updated"}
        self.gate.see(event | {"data": envelope(sequence, **fields)})


CLOSINGS: dict[str, Any] = {
    "was told to close": {"active": False},
    "is frozen": {"freeze": True},
    "drains": {"active": False, "drain": True},
    "only computes": {"effective_mode": "compute-only"},
    "is on paper": {"effective_mode": "paper"},
}


def test_an_open_gate_lets_orders_pass() -> None:
    assert Scene().broker.submit(order()).status is OrderStatus.FILLED


@pytest.mark.parametrize("closing", CLOSINGS.values(), ids=CLOSINGS)
def test_a_closed_gate_refuses_what_opens_and_lets_pass_what_reduces(closing: dict[str, Any]) -> None:
    scene = Scene(held="2", **closing)
    refused = scene.broker.submit(order(1, "buy"))
    assert (refused.status, refused.reject) == (OrderStatus.REJECTED, Reject.GATE_CLOSED)
    assert scene.broker.order(name(1)) is None
    report = scene.broker.submit(order(2, "sell"))
    assert (report.status, report.order.reduce_only) == (OrderStatus.FILLED, True)


def test_it_closes_by_itself_when_the_lease_runs_out() -> None:
    scene = Scene()
    scene.now = 7.9
    assert scene.broker.is_open(STRATEGY)
    scene.now = 8.0
    report = scene.broker.submit(order())
    assert (report.reject, report.reason) == (Reject.GATE_CLOSED, "the lease has run out")


def test_another_strategys_gate_is_not_ours() -> None:
    scene = Scene()
    other = order(strategy_id="rev")
    assert scene.broker.submit(other).reject is Reject.GATE_CLOSED


@pytest.mark.parametrize("held", ["2", "-2"])
def test_an_order_that_would_pass_zero_is_refused_whole(held: str) -> None:
    scene = Scene(held=held, drain=True)
    side = "sell" if held == "2" else "buy"
    assert scene.broker.submit(order(1, side, "3")).reject is Reject.GATE_CLOSED
    assert scene.broker.submit(order(2, side, "2")).status is OrderStatus.FILLED
    assert scene.broker.positions() == {}


def test_two_reductions_do_not_add_up_to_an_opening() -> None:
    scene = Scene(held="2", drain=True)
    assert scene.broker.submit(order(1, "sell", "1.5", limit="110")).status is OrderStatus.OPEN
    assert scene.broker.submit(order(2, "sell", "1")).reject is Reject.GATE_CLOSED
    assert scene.broker.submit(order(3, "sell", "0.5")).status is OrderStatus.FILLED


def test_a_strategy_reduces_its_own_position_and_not_its_neighbours() -> None:
    scene = Scene(held="5", drain=True)
    own = {AT: D(1)}
    broker = GatedBroker(
        scene.paper,
        scene.gate,
        clock=lambda: 0.0,
        position_of=lambda _, instrument: own.get(instrument, D(0)),
    )
    assert broker.submit(order(1, "sell", "2")).reject is Reject.GATE_CLOSED
    assert broker.submit(order(2, "sell", "1")).status is OrderStatus.FILLED


def test_orders_that_wait_are_taken_back_when_the_gate_closes() -> None:
    scene = Scene(held="1")
    scene.broker.submit(order(1, limit="90"))
    scene.tell(drain=True, active=False)
    scene.broker.submit(order(2, "sell", "1", limit="110"))
    assert [each.order.client_order_id for each in scene.broker.withdraw_openings()] == [name(1)]
    scene.paper.see(quote(SPOT, D(80), BEGIN.replace(hour=23)))
    assert scene.broker.positions() == {AT: D(1)}
    assert [each.order.client_order_id for each in scene.broker.open_orders()] == [name(2)]


def test_nothing_is_taken_back_while_the_gate_is_open() -> None:
    scene = Scene()
    scene.broker.submit(order(1, limit="90"))
    assert scene.broker.withdraw_openings() == []


def test_an_order_that_passed_is_the_same_order_after_the_gate_has_moved() -> None:
    scene = Scene(held="2", drain=True)
    first = scene.broker.submit(order(1, "sell", "1"))
    scene.tell()
    assert scene.broker.submit(order(1, "sell", "1")) == first
    scene.tell(drain=True)
    assert scene.broker.submit(order(1, "sell", "1")) == first
    with pytest.raises(OrderConflict):
        scene.broker.submit(order(1, "sell", "2"))


def test_a_refused_order_may_come_again_when_the_gate_is_open() -> None:
    scene = Scene(freeze=True)
    assert scene.broker.submit(order()).reject is Reject.GATE_CLOSED
    scene.tell()
    assert scene.broker.submit(order()).status is OrderStatus.FILLED


@settings(max_examples=150, deadline=None)
@given(
    held=st.decimals("-5", "5", places=1),
    asked=st.lists(
        st.tuples(
            st.sampled_from(["buy", "sell"]),
            st.decimals("0.1", "6", places=1),
            st.none() | st.sampled_from(["80", "100", "120"]),
            st.sampled_from([None, D(70), D(100), D(130)]),
        ),
        max_size=12,
    ),
)
def test_behind_a_closed_gate_a_position_only_shrinks(
    held: Decimal, asked: list[tuple[str, Decimal, str | None, Decimal | None]]
) -> None:
    scene = Scene(held=str(held), drain=True)
    size = abs(held)
    for number, (side, qty, limit, price) in enumerate(asked):
        scene.broker.submit(order(number, side, str(qty), limit=limit))
        if price is not None:
            scene.paper.see(quote(SPOT, price, BEGIN))
        now = scene.broker.positions().get(AT, D(0))
        assert abs(now) <= size
        assert now * held >= 0
        size = abs(now)
