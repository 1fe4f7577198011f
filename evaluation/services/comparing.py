"""Two policies over runs that somebody keeps in files: nothing is read of any world, nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.domain.policy_diff import (
    Comparison,
    JudgedRun,
    judge_many,
    judged_run,
    reads_series,
    try_scenarios,
)
from evaluation.domain.policy_diff.scenarios import TERMS
from evaluation.selectors.scenarios import scenarios_named
from evaluation.services.impact import with_ratio
from qmtl_site.http.refusals import Fault, Invalid
from worlds.domain.policy import Policy, PolicyRefused, load_policy
from worlds.services.policies import Media


def compare_over_runs(
    *,
    old: tuple[str, Media],
    new: tuple[str, Media],
    runs: Sequence[Mapping[str, Any]],
    scenarios: Sequence[str],
) -> dict[str, Any]:
    """What the new text makes of the runs, and of shipped scenarios, against what the old one does.

    `runs` have the figures of their metrics documents and no series: `lacks_series` says that a gate asks for some.
    Invalid with a pointer for a text that is no policy, and for an unknown set.
    """
    labelled = scenarios_named(scenarios)
    before, after = policy_in("old", *old), policy_in("new", *new)
    stored = [run_of(run) for run in runs]
    comparison = Comparison()
    comparison.add(stored, judge_many(stored, before, TERMS), judge_many(stored, after, TERMS))
    is_asked = any(run.stage != "backtest" for run in stored)
    return with_ratio(
        {
            "lacks_series": is_asked and any(map(reads_series, (before, after))),
            "runs": comparison.document(),
            "scenarios": try_scenarios(labelled, before, after) if labelled else None,
        }
    )


def policy_in(side: str, text: str, media: Media) -> Policy:
    try:
        return load_policy(text, media=media)
    except PolicyRefused as refused:
        faults = [Fault(f"/{side}/text", f"{side} policy: {fault}") for fault in refused.faults]
        raise Invalid(faults[0].detail, faults=faults) from None


def run_of(run: Mapping[str, Any]) -> JudgedRun:
    evaluation = run["evaluation"]
    told = {"returns_source": "auto_returns", **evaluation.get("diagnostics", {})}
    code = {"reason_code": "evaluation.error"} if run["is_broken"] else {}
    return judged_run(
        {"evaluation": {**evaluation, "diagnostics": told}, "validation": {"results": {"evaluation": code}}},
        strategy_id=run["strategy_id"],
        run_id=run["run_id"],
        stage=run["stage"],
    )
