"""A holder of gates against a channel that repeats, delays and loses, and a clock: open only where it is sure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from qmtl.contracts.gate import GateView
from tests.activation.acting import is_open

NAMES = ("a", "b")
LEASE = 15.0


def envelope(name: str, epoch: tuple[int, int], sequence: int, **said: Any) -> dict[str, Any]:
    plain = {"active": True, "freeze": False, "drain": False, "effective_mode": "live"}
    return {"strategy_id": name, "epoch": list(epoch), "sequence": sequence, **plain, **said}


def event(sequence: int, data: Any, kind: str = "activation.updated") -> dict[str, Any]:
    return {"sequence": sequence, "source": "/worlds/alpha", "type": kind, "data": data}


SAID = st.fixed_dictionaries(
    {
        "active": st.sampled_from([True, True, True, False]),
        "freeze": st.sampled_from([False, False, False, True]),
        "drain": st.sampled_from([False, False, False, True]),
        "effective_mode": st.sampled_from(["live", "live", "live", "paper", "compute-only"]),
    }
)


class Channel(RuleBasedStateMachine):
    """The service writes a log; the client sees of it what the channel lets through."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[dict[str, Any]] = []
        self.number, self.now, self.known = 0, 0.0, 0
        self.lease_ends, self.asked = float("-inf"), list[float]()
        self.view = GateView("alpha", sequence=0)

    # --- the service ----------------------------------------------------------------------------------
    @rule(name=st.sampled_from(NAMES), said=SAID, newer=st.booleans())
    def tell(self, name: str, said: dict[str, Any], newer: bool) -> None:
        self.number += newer
        sequence = len(self.log) + 1
        self.log.append(event(sequence, envelope(name, (1, self.number), sequence, **said)))

    @rule()
    def tell_of_something_else(self) -> None:
        self.log.append(event(len(self.log) + 1, {}, "decision.made"))

    # --- the channel ----------------------------------------------------------------------------------
    @precondition(lambda self: self.log)
    @rule(data=st.data())
    def bring_any(self, data: st.DataObject) -> None:
        self.bring(data.draw(st.integers(1, len(self.log))))

    @rule()
    def bring_what_is_missing(self) -> None:
        for sequence in range(self.view.sequence + 1, len(self.log) + 1):
            self.bring(sequence)

    def bring(self, sequence: int) -> None:
        self.known = max(self.known, sequence)
        self.view.see(self.log[sequence - 1])

    # --- lease and clock ------------------------------------------------------------------------------
    @rule()
    def ask_for_the_lease(self) -> None:
        self.asked.append(self.now)

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), tells=st.booleans())
    def hear_of_the_lease(self, data: st.DataObject, tells: bool) -> None:
        """An answer comes late, and the service has counted from some moment in between."""
        sent = self.asked.pop(data.draw(st.integers(0, len(self.asked) - 1)))
        granted = data.draw(st.floats(sent, self.now))
        self.lease_ends = max(self.lease_ends, granted + LEASE)
        newest = len(self.log) if tells else 0
        self.known = max(self.known, newest)
        self.view.renewed(sent=sent, lease_seconds=LEASE, newest=newest, decision_seconds=1e6)

    @rule(seconds=st.sampled_from([0.0, 1.0, 5.0, 11.9, 12.0, 60.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.view.tick(self.now)

    @rule(seconds=st.floats(0, 100))
    def a_clock_does_not_go_back(self, seconds: float) -> None:
        self.view.tick(self.now - seconds)

    # --- what must hold -------------------------------------------------------------------------------
    def newest_word(self, name: str) -> dict[str, Any] | None:
        words = [each["data"] for each in self.log[: self.known] if each["data"].get("strategy_id") == name]
        return max(words, key=lambda word: (word["epoch"], word["sequence"]), default=None)

    @invariant()
    def open_only_where_the_newest_word_that_it_knows_of_says_so(self) -> None:
        for name in NAMES:
            word = self.newest_word(name)
            says_so = word is not None and is_open(word)
            assert not self.view.is_open(name) or says_so

    @invariant()
    def open_only_with_a_valid_lease(self) -> None:
        assert self.now < self.lease_ends or not any(map(self.view.is_open, NAMES))

    @invariant()
    def open_wherever_it_is_sure(self) -> None:
        """It is not safe by never opening."""
        if self.view.closed_by is None:
            assert self.view.sequence == self.known
            for name in NAMES:
                word = self.newest_word(name)
                assert self.view.is_open(name) == (word is not None and is_open(word))

    @invariant()
    def closed_for_a_reason(self) -> None:
        missing = self.view.sequence < self.known
        assert missing <= (self.view.closed_by is not None)


def test_a_gate_is_open_only_where_its_holder_is_sure() -> None:
    run_state_machine_as_test(
        Channel,
        settings=settings(
            max_examples=200, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


# --- a table of single cases ------------------------------------------------------------------------------
def ready(*envelopes: dict[str, Any], sequence: int = 0) -> GateView:
    view = GateView("alpha", sequence=sequence, envelopes=envelopes)
    view.renewed(sent=100.0, lease_seconds=LEASE, newest=sequence, decision_seconds=60.0)
    return view


def test_the_lease_ends_at_four_fifths_counted_from_before_the_request() -> None:
    view = ready(envelope("a", (1, 1), 1), sequence=1)
    view.tick(111.9)
    assert view.is_open("a")
    view.tick(112.0)
    assert (view.is_open("a"), view.closed_by) == (False, "the lease has run out")
    view.renewed(sent=111.0, lease_seconds=LEASE, newest=1, decision_seconds=60.0)
    assert view.is_open("a")


def test_without_a_lease_or_a_word_it_is_closed() -> None:
    assert not GateView("alpha", sequence=1, envelopes=[envelope("a", (1, 1), 1)]).is_open("a")
    assert not ready().is_open("a")


def test_a_gap_closes_everything_until_it_is_filled() -> None:
    view = ready(envelope("a", (1, 1), 1), sequence=1)
    late = event(2, {}, "decision.made")
    view.see(event(3, envelope("b", (1, 2), 3)))
    assert (view.is_open("a"), view.closed_by) == (False, "events 2 to 3 are missing")
    view.see(late)
    assert not view.is_open("a")
    view.see(event(3, envelope("b", (1, 2), 3)))
    assert (view.is_open("a"), view.is_open("b")) == (True, True)


def test_a_heartbeat_that_knows_of_more_closes_everything_until_it_has_come() -> None:
    view = ready(envelope("a", (1, 1), 1), sequence=1)
    view.renewed(sent=101.0, lease_seconds=LEASE, newest=2, decision_seconds=60.0)
    assert not view.is_open("a")
    view.see(event(2, envelope("a", (1, 2), 2, active=False)))
    assert (view.is_open("a"), view.closed_by) == (False, None)


def test_an_older_epoch_is_ignored() -> None:
    """Envelopes are read after the sequence was asked for, so that older events follow them."""
    view = ready(envelope("a", (1, 3), 2, active=False), sequence=0)
    view.see(event(1, envelope("a", (1, 2), 1)))
    assert not view.is_open("a")
    view.see(event(2, envelope("a", (1, 3), 2, active=False)))
    view.see(event(3, envelope("a", (2, 1), 3)))
    assert view.is_open("a")


NONSENSE: dict[str, Any] = {
    "no sequence": {"source": "/worlds/alpha", "type": "activation.updated", "data": {}},
    "another world": {**event(2, {}), "source": "/worlds/beta"},
    "no data": event(2, None),
    "no epoch": event(2, {"strategy_id": "a", "sequence": 2}),
    "a number for an epoch": event(2, {**envelope("a", (1, 1), 2), "epoch": 7}),
    "text in the epoch": event(2, {**envelope("a", (1, 1), 2), "epoch": ["1", "2"]}),
    "no flags": event(2, {"strategy_id": "b", "sequence": 2, "epoch": [1, 1]}),
}


@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE)
def test_what_it_does_not_understand_closes_it_for_good(nonsense: dict[str, Any]) -> None:
    view = ready(envelope("a", (1, 1), 1), sequence=1)
    view.see(nonsense)
    assert (view.is_open("a"), view.broken is None) == (False, False)


@pytest.mark.parametrize(
    "said", [{"active": "yes"}, {"freeze": None}, {"drain": 2}, {"effective_mode": "LIVE"}]
)
def test_other_words_do_not_open(said: dict[str, Any]) -> None:
    assert not ready(envelope("a", (1, 1), 1, **said), sequence=1).is_open("a")


def test_it_closes_when_the_decision_is_stale_and_without_one() -> None:
    view = ready(envelope("a", (1, 1), 1), sequence=1)
    view.renewed(sent=101.0, lease_seconds=LEASE, newest=1, decision_seconds=5.0)
    view.tick(105.9)
    assert view.is_open("a")
    view.tick(106.0)
    assert (view.is_open("a"), view.closed_by) == (False, "the decision is stale")
    view.renewed(sent=106.0, lease_seconds=LEASE, newest=1, decision_seconds=None)
    assert not view.is_open("a")


def test_a_heartbeat_tells_what_no_event_does() -> None:
    """Other code, a node in error, a stale decision: they come and go without an event."""
    view = ready(envelope("a", (1, 1), 1), sequence=1)
    for mode, opens in (("compute-only", False), ("live", True)):
        said = envelope("a", (1, 1), 1, active=opens, effective_mode=mode)
        view.renewed(sent=101.0, lease_seconds=LEASE, newest=1, decision_seconds=60.0, envelopes=[said])
        assert view.is_open("a") is opens


def test_a_heartbeat_that_knows_less_than_the_events_tells_nothing_of_gates() -> None:
    view = ready(envelope("a", (1, 1), 1, active=False), sequence=2)
    said = envelope("a", (1, 1), 1)
    view.renewed(sent=101.0, lease_seconds=LEASE, newest=1, decision_seconds=60.0, envelopes=[said])
    assert not view.is_open("a")


def test_a_refused_heartbeat_closes_it_for_good() -> None:
    view = ready(envelope("a", (1, 1), 1), sequence=1)
    view.refused()
    view.renewed(sent=101.0, lease_seconds=LEASE, newest=1, decision_seconds=60.0)
    assert not view.is_open("a")
