"""A runner elsewhere: alive, killed a moment ago, or registered at the same time."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmtl.client.documents import GateClient
from qmtl.sdk.errors import StrategyError
from qmtl.sdk.runtime import rivals
from qmtl.sdk.runtime.rivals import Place
from qmtl.sdk.runtime.saved import Saved

START = datetime(2026, 1, 1, tzinfo=UTC)


def gate(name: str, *, registered: int = 0, lease: int = 15, code: str = "abc") -> GateClient:
    return GateClient(
        raw={}, client_id=name, strategies=[{"id": "mine", "code_hash": code or None}], holds_lease=True,
        registered_at=START + timedelta(seconds=registered), lease_until=START + timedelta(seconds=lease),
    )  # fmt: skip


@dataclass
class Gates:
    """Answers of the service, one after the other; the last one for good."""

    answers: list[list[GateClient]]
    asked: int = 0
    said: list[str] = field(default_factory=list)

    def gates(self, world_id: str, *, strategy_id: str, live: bool, limit: int) -> list[GateClient]:
        assert (strategy_id, live) == ("mine", True)
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]

    def place(self, name: str = "me") -> Place:
        return Place(self, "w", "mine", name)  # type: ignore[arg-type]

    def wait(self) -> None:
        self.place().wait_for(say=self.said.append, stop=threading.Event())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rivals, "LOOK_EVERY", 0.001)


def test_nobody_else_is_no_reason_to_wait() -> None:
    gates = Gates([[gate("me"), gate("executes-only", code="")]])
    gates.wait()
    assert (gates.asked, gates.said) == (1, [])


def test_whose_heart_beats_keeps_others_out() -> None:
    gates = Gates([[gate("far")], [gate("far")], [gate("far", lease=20)]])
    with pytest.raises(StrategyError, match=r"another runner .far, since 2026") as refused:
        gates.wait()
    assert (gates.asked, refused.value.exit_status) == (3, 2)


def test_who_was_killed_is_waited_for() -> None:
    gates = Gates([[gate("far")], [gate("far")], []])
    gates.wait()
    assert gates.said == [
        "far holds the gate of mine: is it there? (at most until 2026-01-01 00:00:15+00:00)"
    ]


def test_of_two_at_once_the_later_gives_way() -> None:
    both = Gates([[gate("me", registered=2), gate("far", registered=1)]])
    with pytest.raises(StrategyError, match="far"):
        both.place("me").taken()
    both.place("far").taken()


def test_whose_lease_is_gone_again_gives_way_to_anybody() -> None:
    with pytest.raises(StrategyError, match="far"):
        Gates([[gate("far", registered=9)]]).place("me").taken()


# --- taken anew, after a sleep ----------------------------------------------------------------------------------
def test_who_wakes_up_gives_way_to_whoever_took_the_place() -> None:
    place = Gates([[gate("me")], [gate("far", registered=30)]]).place()
    place.taken()
    with pytest.raises(StrategyError, match=r"another runner .far"):
        place.still_free()


def test_who_wakes_up_alone_goes_on() -> None:
    place = Gates([[gate("me")], [], [gate("me", registered=30)], [gate("me", registered=30)]]).place()
    place.taken()
    place.still_free()
    place.taken()
    place.still_free()  # its own lease is no rival


def test_two_of_one_name_do_not_take_turns() -> None:
    """A state folder was copied: the one whose lease another has ended, gives way, and leaves that one's alone."""
    place = Gates([[gate("me")], [gate("me", registered=30)]]).place()
    place.taken()
    with pytest.raises(StrategyError, match="has taken the name of this one"):
        place.still_free()
    assert place.is_lost


def test_a_lease_whose_answer_was_lost_is_its_own() -> None:
    place = Gates([[gate("me")], [], [gate("me", registered=30)]]).place()
    place.taken()
    place.still_free()  # what was asked for then got no answer
    place.still_free()


@given(st.data())
def test_of_all_that_wake_up_exactly_one_trades(data: st.DataObject) -> None:
    """Each takes a lease and then looks, in any order of all these steps; who gives way gives his lease back."""
    leases: dict[str, GateClient] = {}
    asleep, to_look, trading = ["a", "b", "c", "d"], list[str](), list[str]()
    for moment in range(8):
        name = data.draw(st.sampled_from(asleep + to_look))
        if name in asleep:
            leases[name] = gate(name, registered=moment)
            asleep.remove(name)
            to_look.append(name)
            continue
        to_look.remove(name)
        try:
            Gates([list(leases.values())]).place(name).taken()
            trading.append(name)
        except StrategyError:
            del leases[name]
    assert len(trading) == 1


def test_each_life_of_a_folder_has_the_same_name(tmp_path: Path) -> None:
    names = []
    for folder in (tmp_path, tmp_path, tmp_path / "far"):
        saved = Saved(folder, "w", "mine")
        with saved.held():
            names.append(saved.suffix)
    assert names[0] == names[1] != names[2]
    assert len(names[0]) == 8
