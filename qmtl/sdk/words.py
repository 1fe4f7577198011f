"""A verdict in words: what passed, what failed, by how much, and what would change it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from qmtl.client.documents import Violation

VERDICTS = {
    "pass": "passed: every rule that counts is satisfied",
    "warn": "passed with warnings",
    "fail": "failed",
    "inconclusive": "could not be judged",
    "pending": "is not judged yet; ask again with Runner.wait_for_evaluation",
    "submitted": "was submitted only: nothing is judged, as auto_validate=False asked",
    "rejected": "was rejected: its own code failed",
    "unavailable": "could not be submitted: the service cannot be reached; nothing trades",
}
STAGES = {
    "backtest_only": "stay in backtest",
    "paper_only": "trade on paper",
    "paper_ok_live_candidate": "trade on paper, and be considered for live",
}
Figures = Mapping[str, Mapping[str, Any]]


def number(value: float | None) -> str:
    if value is None:
        return "not known"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.4g}"


def explain_violation(violation: Violation, figures: Figures) -> str:
    """One violation: its rule, its figure against its bound, and what would change it."""
    metric, value, bound = violation.metric, violation.value, violation.bound
    weight = "" if violation.severity in {"", "blocking"} else f", {violation.severity}"
    if metric is None or bound is None:
        line = f"{violation.rule}{weight}: {violation.reason or violation.reason_code}"
    elif value is None:
        line = (
            f"{violation.rule}{weight}: {metric} is not known, {violation.reason or 'so it cannot be judged'}"
        )
    else:
        short = abs(violation.margin) if violation.margin is not None else abs(bound - value)
        side = "below" if value < bound else "above"
        line = (
            f"{violation.rule}{weight}: {metric} is {number(value)}, {side} the {number(bound)} that is asked, "
            f"by {number(short)}"
        )
    hint = what_would_change(metric, value, bound, figures)
    return f"{line}.{' ' + hint if hint else ''}"


def each_bound(violation: Violation, validation: Mapping[str, Any]) -> list[Violation]:
    """A violation tells its worst bound; all that are missed stand in the validation's result of the rule."""
    result = (validation.get("results") or {}).get(violation.rule) or {}
    checks = (result.get("details") or {}).get("checks") or []
    missed = [each for each in checks if isinstance(each, Mapping) and each.get("status") != "pass"]
    if not missed:
        return [violation]
    return [
        replace(
            violation,
            metric=each.get("metric"),
            value=each.get("value"),
            bound=each.get("bound"),
            margin=each.get("margin"),
            reason=str(each.get("reason", "")),
        )
        for each in missed
    ]


def what_would_change(metric: str | None, value: float | None, bound: float | None, figures: Figures) -> str:
    if metric is None or bound is None:
        return ""
    say = HINTS.get(metric.rpartition(".")[2])
    if say is None or (value is not None and not math.isfinite(value)):
        return ""
    return say(value, bound, figures)


def figure(figures: Figures, block: str, name: str) -> float | None:
    value = figures.get(block, {}).get(name)
    return float(value) if isinstance(value, int | float) else None


def of_sharpe(value: float | None, bound: float, figures: Figures) -> str:
    spread = figure(figures, "returns", "volatility")
    if value is None or spread is None:
        return "It needs returns that vary."
    more = (bound - value) * spread
    return (
        f"At its volatility of {spread:.1%} it would have to earn {more:.1%} a year more; with what it earns, its "
        f"volatility would have to be {spread * value / bound:.1%}."
        if value > 0 and bound > 0
        else f"At its volatility of {spread:.1%} it would have to earn {more:.1%} a year more."
    )


def of_drawdown(value: float | None, bound: float, figures: Figures) -> str:
    """What part of the capital keeps within the bound for certain, whatever the returns were.

    With the part c of the capital, set anew at each bar, a return r becomes c r, and 1 + c r >= (1 + r)^c (Bernoulli).
    So a fall to 1 - d becomes one to (1 - d)^c at worst, and c = log(1 - bound) / log(1 - d) is enough: less than
    bound / d, which is too much where the fall is deep. Who has lost everything is told nothing: c would be nil.
    """
    fall, most = abs(value or 0.0), abs(bound)
    if not most < fall < 1.0:
        return ""
    part = math.floor(100.0 * math.log1p(-most) / math.log1p(-fall))
    if part < 1:
        return ""
    return (
        f"With {part}% of the capital in it, set anew at each bar, and the rest in cash, it would have kept within "
        f"{most:.0%}."
    )


def of_years(value: float | None, bound: float, figures: Figures) -> str:
    return (
        f"It needs {bound - (value or 0.0):.1f} more years of history: choose a preset with a longer window."
    )


def of_count(value: float | None, bound: float, figures: Figures) -> str:
    return f"It needs {math.ceil(bound - (value or 0.0)):,} more: a longer history, or decisions more often."


def of_luck(value: float | None, bound: float, figures: Figures) -> str:
    needed = figure(figures, "robustness", "min_track_record_length")
    have = figure(figures, "returns", "sample_count")
    if needed is None or have is None:
        return "The record does not tell skill from luck; fewer variants or a longer record would."
    if needed <= have:
        return "For itself the record is long enough; the many variants of its family weigh against it."
    return f"A Sharpe ratio like this takes about {needed:,.0f} periods to tell from luck; there are {have:,.0f}."


def of_gap(value: float | None, bound: float, figures: Figures) -> str:
    first, second = (figure(figures, "robustness", f"sharpe_{half}_half") for half in ("first", "second"))
    if first is None or second is None:
        return ""
    return f"Its halves differ: Sharpe {first:.2f} in the first, {second:.2f} in the second."


HINTS: dict[str, Callable[[float | None, float, Figures], str]] = {
    "sharpe": of_sharpe,
    "max_drawdown": of_drawdown,
    "effective_history_years": of_years,
    "n_trades_total": of_count,
    "sample_days": of_count,
    "probabilistic_sharpe_ratio": of_luck,
    "deflated_sharpe_ratio": of_luck,
    "cv_sharpe_gap": of_gap,
}


def passed_rules(validation: Mapping[str, Any]) -> Iterator[str]:
    """Names of the rules that were satisfied."""
    results = validation.get("results")
    if isinstance(results, Mapping):
        for name, result in results.items():
            if isinstance(result, Mapping) and result.get("status") == "pass":
                yield str(name)
