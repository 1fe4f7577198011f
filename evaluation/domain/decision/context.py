"""Figures that a candidate has only among others: its family's, against its backtest, beside what is live."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

import numpy as np

from evaluation.domain.candidates import Candidate, Figures, Situation
from evaluation.domain.correlation import Panel, panel_of
from evaluation.domain.portfolio import additions
from worlds.domain.policy import Policy

MIN_POINTS = 20
"""Common points below which nothing is said about what a candidate adds to the portfolio."""

INCREMENTAL = ("risk.incremental_var_99", "risk.incremental_es_99", "portfolio.sharpe_uplift")


def proposed_weight(policy: Policy) -> float:
    """What a newcomer would have before the final weights are known: min(1/k, max_weight)."""
    selection = policy.selection
    k = selection.top_k.k if selection and selection.top_k else 1
    bound = selection.exposure.max_weight if selection and selection.exposure else None
    return min(1.0 / k, 1.0 if bound is None else bound)


def with_context(situation: Situation, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates with these figures beside their own; a figure that a run brought itself stays."""
    added: list[dict[str, float | None]] = [{} for _ in candidates]
    policy = situation.policy
    if policy.cohort is not None:
        add_cohort(candidates, added)
    if policy.paper_shadow_consistency is not None:
        add_consistency(candidates, added)
    if wants_portfolio(policy):
        add_portfolio(situation, candidates, added)
    return [with_figures(c, extra) if extra else c for c, extra in zip(candidates, added, strict=True)]


def wants_portfolio(policy: Policy) -> bool:
    profiles = policy.validation_profiles.values()
    return policy.portfolio is not None or any(
        p.risk is not None
        and (p.risk.incremental_var_99_max is not None or p.risk.incremental_es_99_max is not None)
        for p in profiles
    )


def with_figures(candidate: Candidate, added: dict[str, float | None]) -> Candidate:
    evidence = candidate.evidence
    if evidence is None:
        return candidate
    own = {name: value for name, value in evidence.figures.items() if value is not None}
    figures: Figures = {**evidence.figures, **added, **own}
    return replace(candidate, evidence=replace(evidence, figures=figures))


def add_cohort(candidates: Sequence[Candidate], added: list[dict[str, float | None]]) -> None:
    """Medians over the candidates of one family in this world."""
    families: dict[str, list[int]] = defaultdict(list)
    for i, candidate in enumerate(candidates):
        if candidate.evidence is not None:
            families[candidate.family].append(i)
    for rows in families.values():
        for name, dotted in (
            ("cohort.sharpe_median", "returns.sharpe"),
            ("cohort.dsr_median", "robustness.deflated_sharpe_ratio"),
        ):
            value = median_of([figure(candidates[i], dotted) for i in rows])
            for i in rows:
                added[i][name] = value


def median_of(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def add_consistency(candidates: Sequence[Candidate], added: list[dict[str, float | None]]) -> None:
    """Paper or live against the binding's own backtest; nothing is said where the backtest had no edge."""
    for i, candidate in enumerate(candidates):
        if candidate.evidence is None:
            continue
        backtest = candidate.evidence.backtest
        sharpe, drawdown = figure(candidate, "returns.sharpe"), figure(candidate, "returns.max_drawdown")
        before, before_drawdown = backtest.get("returns.sharpe"), backtest.get("returns.max_drawdown")
        if sharpe is not None and before is not None and before > 0:
            added[i]["consistency.sharpe_ratio"] = sharpe / before
        if drawdown is not None and before_drawdown is not None and before_drawdown < 0:
            added[i]["consistency.drawdown_ratio"] = drawdown / before_drawdown


def add_portfolio(
    situation: Situation, candidates: Sequence[Candidate], added: list[dict[str, float | None]]
) -> None:
    """What each adds to the strategies that are live; a live one to the others."""
    panel = panel_of([series_of(c) for c in candidates], window_ms=None, until_ms=situation.now)
    weight = proposed_weight(situation.policy)
    live = np.array([c.state == "live" for c in candidates], dtype=np.bool_)
    others = np.flatnonzero(~live)
    canary = situation.policy.governance.live_promotion.canary.fraction
    fill(situation, panel, live, others, weight * canary, weight, added)
    for i in np.flatnonzero(live):
        rest = live.copy()
        rest[i] = False
        fill(situation, panel, rest, np.array([i]), weight, weight, added)


def fill(
    situation: Situation,
    panel: Panel,
    live: np.ndarray,
    rows: np.ndarray,
    proposed: float,
    weight: float,
    added: list[dict[str, float | None]],
) -> None:
    found = additions(
        panel.values[live],
        np.full(int(live.sum()), weight),
        panel.values[rows],
        np.full(rows.size, proposed),
        periods_per_year=situation.terms.periods_per_year,
        risk_free_rate=situation.terms.risk_free_rate,
        min_points=MIN_POINTS,
    )
    columns = (found.incremental_var_99, found.incremental_es_99, found.sharpe_uplift)
    for name, column in zip(INCREMENTAL, columns, strict=True):
        for i, value in zip(rows.tolist(), column.tolist(), strict=True):
            added[i][name] = None if np.isnan(value) else value


def series_of(candidate: Candidate):  # type: ignore[no-untyped-def]
    evidence = candidate.evidence
    if evidence is None or evidence.record.times is None or evidence.record.returns is None:
        return None
    return evidence.record.times, evidence.record.returns


def figure(candidate: Candidate, dotted: str) -> float | None:
    return None if candidate.evidence is None else candidate.evidence.figures.get(dotted)
