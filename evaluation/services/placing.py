"""Placement: where a paper or live run would stand in its world at the moment of its judgement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from evaluation.domain.candidates import Candidate, Evidence
from evaluation.domain.decision import Decision, decide
from evaluation.domain.decision.document import placement_document
from evaluation.domain.record import WorldTerms
from evaluation.models import EvaluationRun
from evaluation.services.candidates import load_candidates, milliseconds, situation_of
from evaluation.services.papers import Judged
from worlds.models import World
from worlds.selectors import ActivePolicy

log = structlog.get_logger(__name__)


def placements(
    world: World,
    active: ActivePolicy | None,
    terms: WorldTerms,
    judged: Sequence[Judged],
    *,
    now: datetime,
) -> dict[int, dict[str, Any]]:
    """By run key, what the decision says with these runs among the candidates; no counter moves.

    Of several runs of one binding the newest stands. A run whose binding is no candidate has no placement.
    """
    placed = {item.run.strategy_id: item for item in judged if item.run.stage != EvaluationRun.Stage.BACKTEST}
    if active is None or not placed:
        return {}
    try:
        outcome = decided(world, active, terms, placed, now)
    except Exception:
        # The verdicts stand by themselves; what cannot be placed says nothing about its place.
        log.exception("evaluation.placement_failed", world_id=world.id)
        return {}
    rows = {candidate.strategy_id: i for i, candidate in enumerate(outcome.board.candidates)}
    return {
        item.run.pk: placement_document(outcome, rows[name]) for name, item in placed.items() if name in rows
    }


def decided(
    world: World, active: ActivePolicy, terms: WorldTerms, placed: dict[str, Judged], now: datetime
) -> Decision:
    loaded = load_candidates(world, active, now=now)
    candidates = [
        with_run(candidate, placed[candidate.strategy_id], now)
        if candidate.strategy_id in placed
        else candidate
        for candidate in loaded.candidates
    ]
    return decide(situation_of(world, active, terms, now=now, slot=None), candidates)


def with_run(candidate: Candidate, item: Judged, now: datetime) -> Candidate:
    backtest = candidate.evidence.backtest if candidate.evidence is not None else {}
    evidence = Evidence(
        run_id=item.run.run_id,
        stage=item.run.stage,
        evaluated_at=milliseconds(now),
        record=item.record,
        figures=item.sheet.flat(),
        backtest=backtest,
    )
    return replace(candidate, evidence=evidence, error=None)
