"""Is there evidence at all, and is it fresh and long enough?"""

from __future__ import annotations

import numpy as np

from evaluation.domain.board import Board
from evaluation.domain.candidates import Candidate
from evaluation.domain.told_error import error_words
from worlds.domain.policy import Duration
from worlds.domain.policy.running import DataCurrency as Bounds

DAY_MS = 86_400_000


class DataCurrency:
    """`max_lag`: how old the newest point may be; `min_history`: what the record must span. Else it is held.

    Who ended with an error fails.
    """

    name = "data_currency"

    def screen(self, board: Board) -> None:
        bounds, now = board.situation.policy.data_currency, board.situation.now
        for i in np.flatnonzero(board.standing).tolist():
            candidate = board.candidates[i]
            if (failure := ended_with(candidate)) is not None:
                board.fail(i, "evidence", failure)
            elif (reason := absent(candidate)) is not None:
                board.hold(i, "evidence", reason)
            elif (reason := shortfall(now, candidate, bounds)) is not None:
                board.hold(i, self.name, reason)


def ended_with(candidate: Candidate) -> str | None:
    """The error that its run ended with. That is known of it, so that it is a failure and not held."""
    evidence = candidate.evidence
    if candidate.error is not None or evidence is None or evidence.record.error is None:
        return None
    return f"its {evidence.stage} run ended with an error: {error_words(evidence.record.error)}"


def absent(candidate: Candidate) -> str | None:
    """Why nothing is known of it."""
    if candidate.error is not None:
        return f"its evidence could not be read: {candidate.error}"
    if candidate.evidence is None:
        return "it has no evaluated paper or live run"
    if candidate.evidence.record.returns is None:
        return "its run brought metrics without returns; that never promotes"
    return None


def shortfall(now: int, candidate: Candidate, bounds: Bounds) -> str | None:
    evidence = candidate.evidence
    if bounds.max_lag is None and bounds.min_history is None:
        return None
    if evidence is None or evidence.first is None or evidence.last is None:
        return "its record has no times"
    if bounds.max_lag is not None and now - evidence.last > milliseconds(bounds.max_lag):
        old = in_words(now - evidence.last)
        return f"stale: its newest point is {old} old, at most {bounds.max_lag} is allowed"
    # What was reported of the stay counts, not only the window of it that the run covers.
    span = evidence.last - min(evidence.first, candidate.reported_since or evidence.first)
    if bounds.min_history is not None and span < milliseconds(bounds.min_history):
        return f"its record spans {in_words(span)}, at least {bounds.min_history} is needed"
    return None


def milliseconds(duration: Duration) -> int:
    return round(duration.delta.total_seconds() * 1000)


def in_words(span: int) -> str:
    """Of milliseconds, in the unit that a person would take."""
    if span >= 2 * DAY_MS:
        return f"{span / DAY_MS:.0f} days"
    if span >= 3_600_000:
        return f"{span / 3_600_000:.1f} hours"
    return f"{span / 60_000:.0f} minutes" if span >= 120_000 else f"{span / 1000:.0f} seconds"
