"""Who would go live and who would leave under either policy, and what that does to the portfolio's risk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from evaluation.domain.candidates import Candidate, Situation
from evaluation.domain.correlation import panel_of
from evaluation.domain.decision import Decision
from evaluation.domain.decision.context import MIN_POINTS, series_of
from evaluation.domain.decision.decide import plan_of, reasons_of
from evaluation.domain.decision.document import outcome_of
from evaluation.domain.portfolio import TAIL, portfolio_returns
from qmtl.metrics import Column
from qmtl.metrics.panel import PanelView
from qmtl.metrics.tail import expected_shortfall, value_at_risk

RISK = ("volatility", "var_99", "es_99")


def as_if_counted(situation: Situation, candidates: Sequence[Candidate]) -> tuple[Situation, list[Candidate]]:
    """The next evaluation that counts, made with today's evidence.

    Evidence that was counted before would move no counter: the answer would be about the calendar and not
    about the policy.
    """
    return (
        replace(situation, slot=situation.now),
        [replace(candidate, counted_run="", counted_at=None, counted_slot=None) for candidate in candidates],
    )


def compare_decisions(old: Decision | None, new: Decision) -> dict[str, Any]:
    """`old` None: nothing decides at present, so nobody moves."""
    board = new.board
    return {
        "bindings": len(board),
        "old": standstill(new) if old is None else side_of(old),
        "new": side_of(new),
        "changes": [change for i in range(len(board)) if (change := change_of(old, new, i)) is not None],
        "portfolio_risk": risk_of_both(old, new),
    }


def side_of(decision: Decision) -> dict[str, Any]:
    names = [candidate.strategy_id for candidate in decision.board.candidates]
    live = [names[i] for i in decision.moves.live]
    return {
        **plan_of(decision),
        "selected": [names[i] for i in decision.taken.rows],
        "live": live,
        "weights": dict(zip(live, decision.weighting.weights.tolist(), strict=True)),
    }


def standstill(decision: Decision) -> dict[str, Any]:
    """What comes of the same candidates where no policy decides: they stay as they are, with weights unknown."""
    candidates = decision.board.candidates
    return {
        "promote": [],
        "demote": [],
        "reopen": [],
        "hold": [candidate.strategy_id for candidate in candidates],
        "selected": [],
        "live": [candidate.strategy_id for candidate in candidates if candidate.state == "live"],
        "weights": None,
    }


def change_of(old: Decision | None, new: Decision, i: int) -> dict[str, Any] | None:
    """None where both policies do the same with the candidate and for the same place."""
    before, after = word_of(old, i), word_of(new, i)
    if before[:2] == after[:2]:
        return None
    candidate = new.board.candidates[i]
    told = ("outcome", "selected", "reasons")
    return {
        "strategy_id": candidate.strategy_id,
        "state": candidate.state,
        "old": dict(zip(told, before, strict=True)),
        "new": dict(zip(told, after, strict=True)),
    }


def word_of(decision: Decision | None, i: int) -> tuple[str, bool, list[str]]:
    if decision is None:
        return "hold", False, ["the world has no active policy"]
    return outcome_of(decision, i), i in decision.taken.rows, reasons_of(decision, i)


def risk_of_both(old: Decision | None, new: Decision) -> dict[str, Any]:
    """Both live sets over the same periods: those in which everyone in either of them has a return."""
    weights = [weights_by_row(decision) for decision in (old, new) if decision is not None]
    held = sorted({row for found in weights for row in found})
    series = [series_of(new.board.candidates[row]) for row in held]
    panel = panel_of(series, window_ms=None, until_ms=new.board.situation.now)
    common = panel.values[:, ~np.isnan(panel.values).any(axis=0)]
    points = common.shape[1] if held else 0
    figures = [
        figures_of(common, np.array([found.get(row, 0.0) for row in held]), new.board.situation)
        for found in weights
    ]
    before = figures[0] if old is not None else None
    after = figures[-1]
    return {
        "points": points,
        "old": before,
        "new": after,
        "change": difference(before, after),
        "reason": why_unknown(old, held, points),
    }


def weights_by_row(decision: Decision) -> dict[int, float]:
    """Who would be live with a weight, by row: who has none is no part of the portfolio."""
    weights = decision.weighting.weights.tolist()
    return {row: weight for row, weight in zip(decision.moves.live, weights, strict=True) if weight}


def figures_of(returns: Column, weights: Column, situation: Situation) -> dict[str, float] | None:
    """Annual volatility, and VaR and ES of a period; an empty portfolio risks nothing."""
    if not weights.any():
        return dict.fromkeys(RISK, 0.0)
    if returns.shape[1] < MIN_POINTS:
        return None
    periods_per_year = situation.terms.periods_per_year
    portfolio = portfolio_returns(returns, weights)[None]
    view = PanelView(portfolio, periods_per_year=periods_per_year, levels=(TAIL,))
    return {
        "volatility": float(view.deviation[0] * np.sqrt(periods_per_year)),
        "var_99": float(value_at_risk(view, TAIL)[0]),
        "es_99": float(expected_shortfall(view, TAIL)[0]),
    }


def difference(before: dict[str, float] | None, after: dict[str, float] | None) -> dict[str, float] | None:
    if before is None or after is None:
        return None
    return {name: after[name] - before[name] for name in RISK}


def why_unknown(old: Decision | None, held: Sequence[int], points: int) -> str | None:
    if held and points < MIN_POINTS:
        return f"the live sets have {points} common points, {MIN_POINTS} are needed"
    return "no policy is active: the weights are not known" if old is None else None
