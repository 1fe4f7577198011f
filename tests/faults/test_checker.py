"""The checker finds what it is for: each stream of events here breaks one promise."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.checker import Walk

Event = dict[str, Any]


def phase(
    after: str, *, before: str | None, run: str = "r", activate: str = "ab", deactivate: str = ""
) -> Event:
    data = {"run_id": run, "before": before, "after": after}
    return {
        "type": "apply.phase_changed",
        "data": {**data, "activate": [*activate], "deactivate": [*deactivate]},
    }


def phases(*names: str, **terms: str) -> list[Event]:
    befores = (None, *names)
    return [phase(name, before=before, **terms) for name, before in zip(names, befores, strict=False)]


def gate(name: str, *, is_open: bool, run: str = "r", frozen: bool = False, epoch: int = 1) -> Event:
    data = {"strategy_id": name, "active": is_open, "freeze": frozen, "drain": False, "run_id": run}
    return {"type": "activation.updated", "data": {**data, "effective_mode": "live", "epoch": [1, epoch]}}


def live(name: str) -> Event:
    return {
        "type": "binding.state_changed",
        "data": {"strategy_id": name, "before": "dry_run", "after": "live"},
    }


def breaker() -> Event:
    return {"type": "world.state_changed", "data": {"circuit_breaker": True, "after": "ACTIVE"}}


ASKED, FROZEN, SWITCHED, UNFROZEN, DONE = phases("requested", "freeze", "switch", "unfreeze", "completed")
BACK = phase("rolled_back", before="freeze")
OPEN = [gate("a", is_open=True), gate("b", is_open=True)]
SOUND = [ASKED, FROZEN, SWITCHED, UNFROZEN, *OPEN, DONE]

BROKEN: dict[str, list[Event]] = {
    "while b had it frozen": [ASKED, FROZEN, gate("a", is_open=True), SWITCHED, UNFROZEN, OPEN[1], DONE],
    "opened only": [ASKED, FROZEN, SWITCHED, UNFROZEN, OPEN[0], DONE],
    "was rolled back and opened": [ASKED, FROZEN, OPEN[0], BACK],
    "and opened {'a'}": [ASKED, FROZEN, live("a"), BACK],
    "in flight at once": [ASKED, *phases("requested", run="s")],
    "went from requested to switch": [ASKED, SWITCHED, UNFROZEN, *OPEN, DONE],
    "which does not say so": [*SOUND, gate("c", is_open=True)],
    "opened with the breaker engaged": [ASKED, FROZEN, SWITCHED, breaker(), UNFROZEN, OPEN[0], DONE],
    "after [1, 2]": [gate("a", is_open=False, run="", epoch=2), gate("a", is_open=False, run="", epoch=1)],
    "closed only": phases("requested", "rolled_back", activate="", deactivate="a"),
    "its closing by r was undone": [
        gate("a", is_open=True, run=""),
        *phases("requested", activate="", deactivate="a"),
        gate("a", is_open=False),
        gate("a", is_open=True, run=""),
    ],
}


def test_a_sound_apply_has_no_faults() -> None:
    assert Walk(SOUND).faults() == []


def test_gates_that_were_closed_meanwhile_need_not_open() -> None:
    halted = [ASKED, FROZEN, SWITCHED, breaker(), gate("a", is_open=False, run="", epoch=2), UNFROZEN, DONE]
    assert Walk(halted).faults() == []


@pytest.mark.parametrize("words", BROKEN)
def test_a_broken_promise_is_found(words: str) -> None:
    found = Walk(BROKEN[words]).faults()
    assert any(words.replace("while b had", "while r had") in fault for fault in found), found
