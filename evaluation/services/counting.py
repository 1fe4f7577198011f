"""What a decision leaves on the bindings: counters, the newest word about each, and rejected runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from evaluation.domain.decision import Decision as Outcome
from evaluation.services.candidates import Loaded, Word
from evaluation.services.expiry import reject_runs
from qmtl_site.audit.actor import Actor
from strategies.services import Standing, record_standings

COUNTER = Actor.service("evaluation")


def keep_counters(outcome: Outcome, loaded: Loaded, document: dict[str, Any]) -> None:
    """One statement for all bindings about which something is new; a failing run that was counted is rejected."""
    news = [
        standing_of(outcome, loaded, i, told)
        for i, told in enumerate(document["candidates"])
        if outcome.counters[i].counted or word_of(told) != loaded.words[told["strategy_id"]]
    ]
    if news:
        record_standings(standings=news)
    failing = [loaded.runs[name] for name, row in outcome.counted().items() if row.failures]
    if failing:
        reject_runs(keys=failing, reason="not selected by the decision of the world", actor=COUNTER)


def word_of(told: dict[str, Any]) -> Word:
    return Word(told["outcome"], "; ".join(told["reasons"])[:500], told["rank"], told["score"])


def standing_of(outcome: Outcome, loaded: Loaded, i: int, told: dict[str, Any]) -> Standing:
    candidate, counters, slot = outcome.board.candidates[i], outcome.counters[i], outcome.board.situation.slot
    return Standing(
        binding_id=loaded.bindings[candidate.strategy_id],
        passes=counters.passes,
        failures=counters.failures,
        passing_since=moment(counters.passing_since),
        failing_since=moment(counters.failing_since),
        counted_run=told["run_id"] if counters.counted else candidate.counted_run,
        counted_slot=moment(slot if counters.counted else candidate.counted_slot),
        **word_of(told)._asdict(),
    )


def moment(time: int | None) -> datetime | None:
    return None if time is None else datetime.fromtimestamp(time / 1000, tz=UTC)
