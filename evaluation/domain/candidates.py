"""What a decision is made from: the situation of a world and its candidates, evidence included.

Nothing here is looked up, and nothing is missing that a replay would need. Times are UTC milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from evaluation.domain.record import Record, WorldTerms
from worlds.domain.policy import Policy
from worlds.domain.policy.selection import Side

CandidateState = Literal["dry_run", "live"]
Figures = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The run that a candidate is judged by: its record and its figures by dotted name (None: missing).

    `backtest`: the figures of the binding's newest backtest, to hold paper and live results against.
    """

    run_id: str
    stage: str
    evaluated_at: int
    record: Record
    figures: Figures
    backtest: Figures

    @property
    def first(self) -> int | None:
        times = self.record.times
        return None if times is None or not times.size else int(times[0])

    @property
    def last(self) -> int | None:
        times = self.record.times
        return None if times is None or not times.size else int(times[-1])


@dataclass(frozen=True, slots=True)
class Candidate:
    """A binding in `dry_run` or `live`.

    `paused`: milliseconds of its stay in which the world was paused. `passing_since` and `failing_since`: when
    the present row of counted passes or failures began. `counted_slot`: start of the newest schedule slot in
    which its counters moved; `counted_run` and `counted_at`: on which run, and when that was judged.
    `reported_since`: first point of the performance that was reported in this stay. `rejected_run`: the run on
    which an approver rejected its promotion. `error`: why its evidence could not be read.
    """

    strategy_id: str
    family: str
    side: Side
    state: CandidateState
    state_since: int
    paused: int = 0
    passes: int = 0
    failures: int = 0
    passing_since: int | None = None
    failing_since: int | None = None
    counted_run: str = ""
    counted_at: int | None = None
    counted_slot: int | None = None
    reported_since: int | None = None
    gate_closed: bool = False
    rejected_run: str = ""
    evidence: Evidence | None = None
    error: str | None = None

    @property
    def run_id(self) -> str:
        """The run that it is judged by."""
        return "" if self.evidence is None else self.evidence.run_id

    def dwell(self, now: int) -> int:
        """Milliseconds in its state, without those in which the world was paused."""
        return now - self.state_since - self.paused


@dataclass(frozen=True)
class Situation:
    """The world at the moment of the decision. `slot` None: counters do not move (a question, not an evaluation)."""

    world_id: str
    policy: Policy
    policy_version: int
    terms: WorldTerms
    now: int
    slot: int | None
    world_state: str = "ACTIVE"
    allow_live: bool = False
    circuit_breaker: bool = False
    last_promotion: int | None = None
