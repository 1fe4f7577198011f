"""Labelled runs that a policy is tried on: good, borderline, bad and known bad ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.domain.policy_diff.comparison import Comparison
from evaluation.domain.policy_diff.judging import Outcome, judge_many
from evaluation.domain.policy_diff.stored import JudgedRun, without_series
from evaluation.domain.record import WorldTerms
from evaluation.domain.rules.rule import Figures, Status
from worlds.domain.policy import Policy, Stage

TERMS = WorldTerms(252.0, 0.0, 10_000.0, "USD")
"""Scenarios have figures and no series: nothing is computed with these."""

MUST_PASS = frozenset({"good"})
MUST_NOT_PASS = frozenset({"bad", "known_bad"})


@dataclass(frozen=True)
class Scenario:
    """The figures of an imagined run, and what the reference policy must make of it.

    `about`: what is wrong or right with it. `reason`: the code that it must show, None where it passes.
    """

    label: str
    name: str
    about: str
    stage: Stage
    figures: Figures
    verdict: Status
    reason: str | None = None

    def run(self) -> JudgedRun:
        return JudgedRun(
            identity={"set": self.label, "scenario": self.name, "stage": self.stage},
            stage=self.stage,
            figures=self.figures,
            record=without_series(self.stage, {}),
        )

    def is_misjudged(self, outcome: Outcome) -> bool:
        """A good one that is refused, or a bad one that is let through; borderline ones may go either way."""
        passes = outcome.verdict in {"pass", "warn"}
        return (self.label in MUST_PASS and not passes) or (self.label in MUST_NOT_PASS and passes)


def try_scenarios(scenarios: Iterable[Scenario], old: Policy | None, new: Policy) -> dict[str, Any]:
    """Both policies over the scenarios, set by set."""
    by_label: dict[str, list[Scenario]] = {}
    for scenario in scenarios:
        by_label.setdefault(scenario.label, []).append(scenario)
    whole, sets = Comparison(), {}
    for label, members in by_label.items():
        runs = [scenario.run() for scenario in members]
        before, after = judge_many(runs, old, TERMS), judge_many(runs, new, TERMS)
        part = Comparison()
        for comparison in (whole, part):
            comparison.add(runs, before, after)
        misjudged = {"old": misjudged_in(members, before), "new": misjudged_in(members, after)}
        sets[label] = {**part.document(), "misjudged": misjudged}
    return {"runs": whole.runs, "impact_ratio": whole.impact_ratio, "sets": sets}


def misjudged_in(scenarios: Sequence[Scenario], outcomes: Sequence[Outcome]) -> list[str]:
    return [
        scenario.name
        for scenario, outcome in zip(scenarios, outcomes, strict=True)
        if scenario.is_misjudged(outcome)
    ]
