"""Is there evidence at all, and is it fresh and long enough?"""

from __future__ import annotations

import numpy as np

from evaluation.domain.board import Board
from evaluation.domain.candidates import Candidate, Evidence
from worlds.domain.policy import Duration
from worlds.domain.policy.running import DataCurrency as Bounds

DAY_MS = 86_400_000


class DataCurrency:
    """`max_lag`: how old the newest point may be; `min_history`: what the record must span. Else it is held."""

    name = "data_currency"

    def screen(self, board: Board) -> None:
        bounds, now = board.situation.policy.data_currency, board.situation.now
        for i in np.flatnonzero(board.standing).tolist():
            candidate = board.candidates[i]
            if (reason := absent(candidate)) is not None:
                board.hold(i, "evidence", reason)
            elif (reason := shortfall(now, candidate.evidence, bounds)) is not None:
                board.hold(i, self.name, reason)


def absent(candidate: Candidate) -> str | None:
    """Why nothing is known of it."""
    if candidate.error is not None:
        return f"its evidence could not be read: {candidate.error}"
    if candidate.evidence is None:
        return "it has no evaluated paper or live run"
    if candidate.evidence.record.returns is None:
        return "its run brought metrics without returns; that never promotes"
    return None


def shortfall(now: int, evidence: Evidence | None, bounds: Bounds) -> str | None:
    if bounds.max_lag is None and bounds.min_history is None:
        return None
    if evidence is None or evidence.first is None or evidence.last is None:
        return "its record has no times"
    if bounds.max_lag is not None and now - evidence.last > milliseconds(bounds.max_lag):
        old = in_days(now - evidence.last)
        return f"stale: its newest point is {old} old, at most {bounds.max_lag} is allowed"
    span = evidence.last - evidence.first
    if bounds.min_history is not None and span < milliseconds(bounds.min_history):
        return f"its record spans {in_days(span)}, at least {bounds.min_history} is needed"
    return None


def milliseconds(duration: Duration) -> int:
    return round(duration.delta.total_seconds() * 1000)


def in_days(span: int) -> str:
    return f"{span / DAY_MS:.0f} days" if span >= 2 * DAY_MS else f"{span / 3_600_000:.1f} hours"
