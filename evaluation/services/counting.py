"""What a decision leaves on the bindings: counters, the newest word about each, and rejected runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from evaluation.domain.decision import Decision as Outcome
from evaluation.services.candidates import Loaded
from evaluation.services.expiry import reject_runs
from qmtl_site.audit.actor import Actor
from strategies.services import Standing, record_standings

COUNTER = Actor.service("evaluation")


def keep_counters(outcome: Outcome, loaded: Loaded, document: dict[str, Any]) -> None:
    """One statement for all bindings; a failing run that was counted is rejected."""
    slot = outcome.board.situation.slot
    standings = []
    for i, told in enumerate(document["candidates"]):
        candidate, counters = outcome.board.candidates[i], outcome.counters[i]
        counted = counters.counted
        standings.append(
            Standing(
                binding_id=loaded.bindings[told["strategy_id"]],
                passes=counters.passes,
                failures=counters.failures,
                passing_since=moment(counters.passing_since),
                failing_since=moment(counters.failing_since),
                counted_run=told["run_id"] if counted else candidate.counted_run,
                counted_slot=moment(slot if counted else candidate.counted_slot),
                outcome=told["outcome"],
                reason="; ".join(told["reasons"])[:500],
                rank=told["rank"],
                score=told["score"],
            )
        )
    record_standings(standings=standings)
    reject_runs(
        keys=[loaded.runs[name] for name, row in outcome.counted().items() if row.failures],
        reason="not selected by the decision of the world",
        actor=COUNTER,
    )


def moment(time: int | None) -> datetime | None:
    return None if time is None else datetime.fromtimestamp(time / 1000, tz=UTC)
