"""The decision of a world: a pure function of its situation and its candidates.

No database, no clock, no randomness; the order in which candidates come is irrelevant. The same inputs give
the same bytes, on the same versions of code and libraries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.domain.board import Board
from evaluation.domain.candidates import Candidate, Situation
from evaluation.domain.correlation import Correlations, Panel, panel_of
from evaluation.domain.decision.bounds import screen_profiles
from evaluation.domain.decision.context import proposed_weight, series_of, with_context
from evaluation.domain.decision.selection import Taken, select, would_be
from evaluation.domain.decision.slots import Moves, moves_of
from evaluation.domain.portfolio import contributions
from evaluation.domain.rules.admission import AdmissionRule
from evaluation.domain.rules.correlation import Correlation
from evaluation.domain.rules.data_currency import DataCurrency, milliseconds
from evaluation.domain.rules.exposure import Exposure
from evaluation.domain.rules.gates import Gates
from evaluation.domain.rules.hysteresis import Counters, Hysteresis
from evaluation.domain.rules.top_k import TopK
from qmtl.metrics import Column
from qmtl.portfolio import Weighting, weights
from worlds.domain.expression import evaluate_score, to_text
from worlds.domain.policy.selection import Selection

NO_SELECTION = Selection()


@dataclass(frozen=True)
class Decision:
    """What came of it, by row of the board: the rest is words about it."""

    board: Board
    scores: Column
    taken: Taken
    would_be: dict[int, int]
    counters: list[Counters]
    moves: Moves
    weighting: Weighting
    contributions: Column

    def counted(self) -> dict[str, Counters]:
        """The counters that moved, by strategy."""
        names = (candidate.strategy_id for candidate in self.board.candidates)
        return {name: row for name, row in zip(names, self.counters, strict=True) if row.counted}


def decide(situation: Situation, candidates: Sequence[Candidate]) -> Decision:
    """Screen, rank, select, count, place: who should be live, with how much, and why."""
    selection = situation.policy.selection or NO_SELECTION
    board = Board.of(situation, with_context(situation, candidates))
    DataCurrency().screen(board)
    screen_profiles(board)
    Gates().screen(board)
    scores = scored(board, selection)
    panel = panel_for(board, selection)
    rules = admission_rules(board, selection, panel)
    taken = select(board, selection, scores, rules)
    hysteresis = Hysteresis(board, selection.hysteresis)
    counters = hysteresis.count(frozenset(taken.rows))
    moves = moves_of(board, taken, counters, hysteresis, rules)
    weighting = weighed(board, selection, moves, scores, panel)
    return Decision(
        board=board,
        scores=scores,
        taken=taken,
        would_be=would_be(board, scores, taken),
        counters=counters,
        moves=moves,
        weighting=weighting,
        contributions=contributions(panel.values[moves.live], weighting.weights),
    )


def scored(board: Board, selection: Selection) -> Column:
    """The score of every candidate that has one; who stands and has none is held."""
    scores = evaluate_score(selection.score, board.columns, len(board))
    for i in np.flatnonzero(board.standing & np.isnan(scores)).tolist():
        board.hold(i, "score", f"its score {to_text(selection.score)} cannot be computed")
    return scores


def panel_for(board: Board, selection: Selection) -> Panel:
    """The records of those who may be compared: who still stands, and who is live."""
    window = selection.correlation.window if selection.correlation else None
    concerned = board.standing | board.live
    series = [series_of(c) if concerned[i] else None for i, c in enumerate(board.candidates)]
    window_ms = None if window is None else milliseconds(window)
    return panel_of(series, window_ms=window_ms, until_ms=board.situation.now)


def admission_rules(board: Board, selection: Selection, panel: Panel) -> list[AdmissionRule]:
    """The constraints that the policy has, the cheapest first."""
    rules: list[AdmissionRule] = []
    if selection.top_k is not None:
        rules.append(
            TopK(
                selection.top_k.k,
                selection.top_k.per_side,
                names=[c.strategy_id for c in board.candidates],
                sides=[c.side for c in board.candidates],
            )
        )
    if selection.exposure is not None:
        rules.append(
            Exposure(
                weight=proposed_weight(board.situation.policy) if selection.top_k else 0.0,
                max_gross=selection.exposure.max_gross,
                max_per_family=selection.exposure.max_per_family,
                families=[c.family for c in board.candidates],
            )
        )
    if selection.correlation is not None:
        rules.append(
            Correlation(
                Correlations(panel, selection.correlation.min_overlap),
                limit=selection.correlation.max,
                max_per_group=selection.correlation.max_per_group,
                absolute=selection.correlation.absolute,
                on_missing=board.situation.policy.effective_on_missing_metric,
                names=[c.strategy_id for c in board.candidates],
            )
        )
    return rules


def weighed(board: Board, selection: Selection, moves: Moves, scores: Column, panel: Panel) -> Weighting:
    """Final weights of the live set that the plan would give."""
    exposure = selection.exposure
    return weights(
        selection.weights.method,
        n=len(moves.live),
        scores=scores[moves.live],
        returns=panel.values[moves.live],
        families=[board.candidates[i].family for i in moves.live],
        canary=canary_of(board, moves),
        max_gross=min(1.0, exposure.max_gross or 1.0) if exposure else 1.0,
        max_weight=exposure.max_weight if exposure else None,
        max_per_family=exposure.max_per_family if exposure else None,
    )


def canary_of(board: Board, moves: Moves) -> Column:
    """The canary's fraction for those who have not been live for its time, 1 for the others."""
    canary = board.situation.policy.governance.live_promotion.canary
    trial = milliseconds(canary.for_)
    young = [i in moves.promote or board.candidates[i].dwell(board.situation.now) < trial for i in moves.live]
    return np.where(np.array(young, dtype=np.bool_) & (trial > 0), canary.fraction, 1.0)


def reasons_of(decision: Decision, i: int) -> list[str]:
    """In words, what the decision about a row rests on."""
    told = [part for part in (decision.board.reasons[i],) if part]
    rank = decision.taken.ranks.get(i)
    if rank is not None and (not told or i in decision.moves.promote):
        told = [f"rank {rank}, has a place", *told]
    return told


def plan_of(decision: Decision) -> dict[str, list[Any]]:
    board, moves = decision.board, decision.moves
    names = [candidate.strategy_id for candidate in board.candidates]
    moving = {*moves.promote, *moves.demote, *moves.reopen}
    return {
        "promote": [names[i] for i in moves.promote],
        "demote": [names[i] for i in moves.demote],
        "reopen": [names[i] for i in moves.reopen],
        "hold": [name for i, name in enumerate(names) if i not in moving],
    }
