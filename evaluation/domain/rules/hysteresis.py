"""Counters move once per slot and run; what is ready to go up, and what has to go down."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.domain.board import Board
from evaluation.domain.candidates import Candidate
from evaluation.domain.rules.data_currency import milliseconds
from worlds.domain.policy import Duration
from worlds.domain.policy.selection import Hysteresis as Terms


@dataclass(frozen=True)
class Counters:
    """A binding's counters after the decision."""

    passes: int
    failures: int
    passing_since: int | None
    failing_since: int | None
    counted: bool

    def document(self) -> dict[str, int]:
        return {"consecutive_passes": self.passes, "consecutive_failures": self.failures}


class Hysteresis:
    """What keeps strategies from going on and off around a bound."""

    name = "hysteresis"

    def __init__(self, board: Board, terms: Terms) -> None:
        self.board = board
        self.terms = terms

    def count(self, taken: frozenset[int]) -> list[Counters]:
        """Being taken is a pass, not being taken a failure; who is held keeps the counters."""
        return [counters_of(self.board, i, taken=i in taken) for i in range(len(self.board))]

    def wants_promotion(self, i: int, counters: Counters) -> bool:
        """Taken, often enough in a row, long enough in dry run, and with a record that is long enough."""
        candidate, situation = self.board.candidates[i], self.board.situation
        needed = self.terms.promote_after
        if not reached(needed, counters.passes, counters.passing_since, situation.now):
            return self._wait(i, f"passes in a row: {counters.passes}, promotion takes {needed}")
        if candidate.dwell(situation.now) < milliseconds(self.terms.min_dwell):
            return self._wait(i, f"has not been in dry run for {self.terms.min_dwell}")
        period, evidence = situation.policy.min_evaluation_period, candidate.evidence
        assert evidence is not None
        if (evidence.last or 0) - (evidence.first or 0) < milliseconds(period):
            return self._wait(i, f"its paper record does not span {period} yet")
        return True

    def wants_demotion(self, i: int, counters: Counters) -> bool:
        """Not taken, often enough in a row, and live for long enough."""
        candidate, needed = self.board.candidates[i], self.terms.demote_after
        if not reached(needed, counters.failures, counters.failing_since, self.board.situation.now):
            return self._wait(i, f"failures in a row: {counters.failures}, it leaves after {needed}")
        if candidate.dwell(self.board.situation.now) < milliseconds(self.terms.min_dwell):
            return self._wait(i, f"has not been live for {self.terms.min_dwell}")
        return True

    def _wait(self, i: int, reason: str) -> bool:
        self.board.wait(i, self.name, reason)
        return False


def counters_of(board: Board, i: int, *, taken: bool) -> Counters:
    candidate, now = board.candidates[i], board.situation.now
    unmoved = Counters(
        candidate.passes, candidate.failures, candidate.passing_since, candidate.failing_since, False
    )
    if board.held[i] or not may_count(candidate, board.situation.slot):
        return unmoved
    if taken:
        since = candidate.passing_since if candidate.passes else now
        return Counters(candidate.passes + 1, 0, now if since is None else since, None, True)
    since = candidate.failing_since if candidate.failures else now
    return Counters(0, candidate.failures + 1, None, now if since is None else since, True)


def may_count(candidate: Candidate, slot: int | None) -> bool:
    """Once per schedule slot, and only on a run that was not counted before."""
    if slot is None or candidate.evidence is None:
        return False
    is_new_slot = candidate.counted_slot is None or slot > candidate.counted_slot
    return is_new_slot and candidate.evidence.run_id != candidate.counted_run


def reached(needed: int | Duration, number: int, since: int | None, now: int) -> bool:
    """A count of them in a row, or that long in a row."""
    if isinstance(needed, Duration):
        return number > 0 and since is not None and now - since >= milliseconds(needed)
    return number >= needed
