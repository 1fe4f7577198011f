"""Counters move once per slot and run; what is ready to go up, and what has to go down."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.domain.board import Board
from evaluation.domain.candidates import Candidate
from evaluation.domain.rules.data_currency import in_words, milliseconds
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
            return self._wait(i, f"{self.passed(counters)}, promotion takes {needed}")
        if candidate.dwell(situation.now) < milliseconds(self.terms.min_dwell):
            return self._wait(i, f"has not been in dry run for {self.terms.min_dwell}")
        period = situation.policy.min_evaluation_period
        if paper_span(candidate) < milliseconds(period):
            return self._wait(i, f"its paper record of this stay does not span {period} yet")
        return True

    def wants_demotion(self, i: int, counters: Counters) -> bool:
        """Not taken, often enough in a row, and live for long enough."""
        candidate, needed = self.board.candidates[i], self.terms.demote_after
        if not reached(needed, counters.failures, counters.failing_since, self.board.situation.now):
            return self._wait(i, f"{self.failed(counters)}, it leaves after {needed}")
        if candidate.dwell(self.board.situation.now) < milliseconds(self.terms.min_dwell):
            return self._wait(i, f"has not been live for {self.terms.min_dwell}")
        return True

    def passed(self, counters: Counters) -> str:
        return self._row("passes", counters.passes, counters.passing_since, self.terms.promote_after)

    def failed(self, counters: Counters) -> str:
        return self._row("failures", counters.failures, counters.failing_since, self.terms.demote_after)

    def _row(self, called: str, number: int, since: int | None, needed: int | Duration) -> str:
        """How far it has come, in the unit in which the policy asks for it."""
        if isinstance(needed, Duration) and since is not None:
            return f"{called} in a row: {number}, for {in_words(self.board.situation.now - since)}"
        return f"{called} in a row: {number}"

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
    """Once per schedule slot, and only on a run that was not counted before.

    One judged before the run that was counted last is old news: who comes back from live is judged by his newest
    paper run again, which was counted when he went there.
    """
    evidence, at = candidate.evidence, candidate.counted_at
    if slot is None or evidence is None:
        return False
    is_new_slot = candidate.counted_slot is None or slot > candidate.counted_slot
    is_new_run = evidence.run_id != candidate.counted_run and (at is None or evidence.evaluated_at >= at)
    return is_new_slot and is_new_run


def paper_span(candidate: Candidate) -> int:
    """Milliseconds that the paper record of the present stay spans, whatever part of it a run covers."""
    evidence = candidate.evidence
    if evidence is None or evidence.first is None or evidence.last is None:
        return 0
    if evidence.evaluated_at < candidate.state_since:
        return 0
    first = evidence.first if candidate.reported_since is None else candidate.reported_since
    return evidence.last - min(first, evidence.first)


def reached(needed: int | Duration, number: int, since: int | None, now: int) -> bool:
    """A count of them in a row, or that long in a row."""
    if isinstance(needed, Duration):
        return number > 0 and since is not None and now - since >= milliseconds(needed)
    return number >= needed
