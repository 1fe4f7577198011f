"""The candidates as columns, and what each of them is told: trace, margins, holds and failures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.domain.candidates import Candidate, Situation
from evaluation.domain.columns import Columns
from qmtl.metrics import Column

Mask = NDArray[np.bool_]
Step = dict[str, Any]


def step(name: str, status: str, reason: str, **details: Any) -> Step:
    return {"step": name, "status": status, "reason": reason, **details}


@dataclass
class Board:
    """Candidates in the order of their ids, so that the order in which they came decides nothing.

    `failed`: known not to deserve a place. `held`: not known; counters stay as they are. A candidate is
    `standing` while it is neither.
    """

    situation: Situation
    candidates: Sequence[Candidate]
    columns: Columns
    live: Mask
    held: Mask
    failed: Mask
    traces: list[list[Step]]
    margins: list[list[dict[str, Any]]]
    reasons: list[str]
    shadow: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, situation: Situation, candidates: Sequence[Candidate]) -> Board:
        ordered = sorted(candidates, key=lambda candidate: candidate.strategy_id)
        evidence = [candidate.evidence for candidate in ordered]
        size = len(ordered)
        return cls(
            situation=situation,
            candidates=ordered,
            columns=Columns(
                [None if e is None else e.record for e in evidence],
                [None if e is None else e.figures for e in evidence],
                situation.terms,
            ),
            live=np.array([candidate.state == "live" for candidate in ordered], dtype=np.bool_),
            held=np.zeros(size, dtype=np.bool_),
            failed=np.zeros(size, dtype=np.bool_),
            traces=[[] for _ in ordered],
            margins=[[] for _ in ordered],
            reasons=[""] * size,
        )

    def __len__(self) -> int:
        return len(self.candidates)

    @property
    def standing(self) -> Mask:
        return ~(self.held | self.failed)

    def column(self, values: Sequence[float | int | None]) -> Column:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)

    def hold(self, i: int, name: str, reason: str, **details: Any) -> None:
        """Candidate i cannot be judged: nothing moves for it."""
        self.held[i] = True
        self._tell(i, step(name, "inconclusive", reason, **details))

    def fail(self, i: int, name: str, reason: str, **details: Any) -> None:
        """Candidate i is known not to deserve a place."""
        self.failed[i] = True
        self._tell(i, step(name, "fail", reason, **details))

    def wait(self, i: int, name: str, reason: str) -> None:
        """Candidate i is where it is for now; the reason is added to what was said before."""
        self.note(i, step(name, "wait", reason))
        self.because(i, reason)

    def because(self, i: int, reason: str) -> None:
        """Add to what is said of candidate i in a line."""
        self.reasons[i] = f"{self.reasons[i]}; {reason}" if self.reasons[i] else reason

    def note(self, i: int, told: Step) -> None:
        self.traces[i].append(told)

    def note_all(self, mask: Mask, told: Step) -> None:
        """The same words for many: one step, shared."""
        for i in np.flatnonzero(mask).tolist():
            self.traces[i].append(told)

    def _tell(self, i: int, told: Step) -> None:
        self.traces[i].append(told)
        if not self.reasons[i]:
            self.reasons[i] = told["reason"]
