"""A runner elsewhere: alive, killed a moment ago, or registered at the same time."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from qmtl.client.documents import GateClient
from qmtl.sdk.errors import StrategyError
from qmtl.sdk.runtime import rivals
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

    def gates(self, world_id: str, *, limit: int | None = None) -> list[GateClient]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]

    def gate(self, world_id: str, client_id: str) -> GateClient:
        return next(each for each in self.answers[-1] if each.client_id == client_id)

    def refuse_second(self) -> None:
        stop: Any = threading.Event()
        rivals.refuse_second(self, "w", "mine", "me", say=self.said.append, stop=stop)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rivals, "LOOK_EVERY", 0.001)


def test_nobody_else_is_no_reason_to_wait() -> None:
    gates = Gates([[gate("me"), gate("executes-only", code="")]])
    gates.refuse_second()
    assert (gates.asked, gates.said) == (1, [])


def test_whose_heart_beats_keeps_others_out() -> None:
    gates = Gates([[gate("far")], [gate("far")], [gate("far", lease=20)]])
    with pytest.raises(StrategyError, match=r"another runner .far, since 2026") as refused:
        gates.refuse_second()
    assert (gates.asked, refused.value.exit_status) == (3, 2)


def test_who_was_killed_is_waited_for() -> None:
    gates = Gates([[gate("far")], [gate("far")], []])
    gates.refuse_second()
    assert gates.said == [
        "far holds the gate of mine: is it there? (at most until 2026-01-01 00:00:15+00:00)"
    ]


def test_of_two_at_once_the_later_gives_way() -> None:
    both: Any = Gates([[gate("me", registered=2), gate("far", registered=1)]])
    with pytest.raises(StrategyError, match="far"):
        rivals.refuse_later(both, "w", "mine", "me")
    rivals.refuse_later(both, "w", "mine", "far")


def test_each_life_of_a_folder_has_the_same_name(tmp_path: Path) -> None:
    names = []
    for folder in (tmp_path, tmp_path, tmp_path / "far"):
        saved = Saved(folder, "w", "mine")
        with saved.held():
            names.append(saved.suffix)
    assert names[0] == names[1] != names[2]
    assert len(names[0]) == 8
