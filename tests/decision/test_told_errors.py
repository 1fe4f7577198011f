"""A candidate whose newest run ended with an error of its own: known not to deserve a place."""

from __future__ import annotations

import pytest

from evaluation.domain.record import Record
from tests.decision.builders import candidate, decided, live, policy, told, words

ERROR = {"kind": "node", "node": "weights", "at": "2020-01-06T00:00:00Z", "message": "KeyError: 'A'"}
SAID = "run ended with an error: node 'weights' failed at 2020-01-06T00:00:00Z: KeyError: 'A'"
LAX = policy(selection={"gates": "sharpe >= -9"})


def ended(stage: str = "paper") -> Record:
    return Record(stage, None, None, None, told={"error": ERROR})


@pytest.mark.parametrize("sharpe", [None, 9.0])
def test_it_is_not_promoted_and_its_passes_are_gone(sharpe: float | None) -> None:
    made = decided(candidate("a", sharpe, record=ended(), passes=5), policy=LAX)
    row = told(made, "a")
    assert made["plan"]["promote"] == []
    assert (row["eligible"], row["counted"], row["consecutive_passes"], row["consecutive_failures"]) == (
        False, True, 0, 1,
    )  # fmt: skip
    assert SAID in words(made, "a")


def test_a_live_one_fails_and_leaves() -> None:
    terms = policy(selection={"hysteresis": {"demote_after": 2}})
    first = decided(live("a", None, record=ended("live"), stage="live"), policy=terms)
    assert (first["plan"]["demote"], told(first, "a")["consecutive_failures"]) == ([], 1)
    again = live("a", None, record=ended("live"), stage="live", failures=1, run_id="r2")
    assert decided(again, policy=terms)["plan"]["demote"] == ["a"]


def test_a_closed_gate_is_not_opened_on_it() -> None:
    made = decided(live("a", 9.0, record=ended("live"), stage="live", gate_closed=True))
    assert made["plan"]["reopen"] == []


def test_it_takes_no_place_from_the_others() -> None:
    made = decided(candidate("a", 9.0, record=ended()), candidate("b", 2.0))
    assert made["plan"]["promote"] == ["b"]
