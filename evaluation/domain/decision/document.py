"""The decision as plain values: what `evaluate` answers, what is kept, what a replay must equal."""

from __future__ import annotations

from typing import Any

import numpy as np

from evaluation.domain.decision.decide import Decision, plan_of, reasons_of
from worlds.domain.series import iso


def decision_document(
    decision: Decision, *, decision_id: str, ruleset_hash: str, inputs_hash: str, dry_run: bool
) -> dict[str, Any]:
    """All of it, with the trace of every candidate; times as RFC 3339."""
    situation, moves = decision.board.situation, decision.moves
    names = [candidate.strategy_id for candidate in decision.board.candidates]
    live = [names[i] for i in moves.live]
    return {
        "decision_id": decision_id,
        "world_id": situation.world_id,
        "policy_version": situation.policy_version,
        "ruleset_hash": ruleset_hash,
        "as_of": iso(situation.now),
        "slot": None if situation.slot is None else iso(situation.slot),
        "inputs_hash": inputs_hash,
        "dry_run": dry_run,
        "plan": plan_of(decision),
        "active_set": live,
        "weights": dict(zip(live, decision.weighting.weights.tolist(), strict=True)),
        "weighting": {"method": decision.weighting.method_used, "reason": decision.weighting.reason},
        "funnel": funnel(decision),
        "shadow": {name: sorted(whom) for name, whom in sorted(decision.board.shadow.items())},
        "candidates": [candidate_document(decision, i) for i in range(len(names))],
    }


def funnel(decision: Decision) -> dict[str, int]:
    """How many came how far."""
    board = decision.board
    ranked = len(decision.taken.order)
    return {
        "candidates": len(board),
        "eligible": sum(eligible(decision, i) for i in range(len(board))),
        "passed_gates": ranked,
        "selected": len(decision.taken.rows),
        "promoted": len(decision.moves.promote),
        "held": int(np.count_nonzero(board.held)),
    }


BEFORE_GATES = frozenset({"evidence", "data_currency", "profile"})


def eligible(decision: Decision, i: int) -> bool:
    """It was not stopped before the gates: neither by missing evidence nor by a blocking rule."""
    return not any(
        told["status"] in {"fail", "inconclusive"}
        and (told["step"] in BEFORE_GATES or told.get("severity") == "blocking")
        for told in decision.board.traces[i]
    )


def outcome_of(decision: Decision, i: int) -> str:
    moves = decision.moves
    for name in ("promote", "demote", "reopen"):
        if i in getattr(moves, name):
            return name
    return "hold"


def candidate_document(decision: Decision, i: int) -> dict[str, Any]:
    board, taken = decision.board, decision.taken
    candidate, evidence = board.candidates[i], board.candidates[i].evidence
    score = decision.scores[i]
    return {
        "strategy_id": candidate.strategy_id,
        "state": candidate.state,
        "stage": None if evidence is None else evidence.stage,
        "run_id": None if evidence is None else evidence.run_id,
        "eligible": eligible(decision, i),
        "score": None if np.isnan(score) else float(score),
        "rank": taken.ranks.get(i),
        "would_be_rank": decision.would_be.get(i),
        "outcome": outcome_of(decision, i),
        "counted": decision.counters[i].counted,
        **decision.counters[i].document(),
        "reasons": reasons_of(decision, i),
        "trace": board.traces[i],
        "margins": board.margins[i],
    }


def placement_document(decision: Decision, i: int) -> dict[str, Any]:
    """Where one candidate stands: the block `placement` of its run's metrics (spec 02)."""
    live = {row: place for place, row in enumerate(decision.moves.live)}
    place, score = live.get(i), decision.scores[i]
    share = np.nan if place is None else decision.contributions[place]
    return {
        "outcome": outcome_of(decision, i),
        "rank": decision.taken.ranks.get(i),
        "score": None if np.isnan(score) else float(score),
        "weight": 0.0 if place is None else float(decision.weighting.weights[place]),
        "contribution": None if np.isnan(share) else float(share),
        "violations": [
            told for told in decision.board.traces[i] if told["status"] in {"fail", "inconclusive", "warn"}
        ],
        "reasons": reasons_of(decision, i),
    }
