"""Many runs judged by one policy as arrays: each as `judge` judges it alone, only faster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from evaluation.domain.columns import Columns
from evaluation.domain.judgement import Judgement, RecommendedStage, failed_to_evaluate, judge
from evaluation.domain.policy_diff.stored import JudgedRun
from evaluation.domain.record import WorldTerms
from evaluation.domain.rules import BOUND_RULES
from evaluation.domain.rules.bound_columns import (
    FAIL,
    INCONCLUSIVE,
    PASS,
    Margins,
    Verdicts,
    margins_of,
    verdicts_of,
)
from evaluation.domain.rules.gates import SEVERITY, STATUS, Gates
from evaluation.domain.rules.rule import Bound, BoundRule, Case, Severity, Status
from qmtl.metrics import Column
from worlds.domain.expression import MetricName, evaluate_gate
from worlds.domain.policy import Policy, Profile, Stage

STAGES: tuple[Stage, ...] = ("backtest", "paper", "live")
WORST_FIRST: tuple[Severity, ...] = ("blocking", "soft", "info")


class Outcome(NamedTuple):
    """What a policy makes of a run. `reasons`: codes of the rules that did not pass, the blocking ones first."""

    verdict: Status
    recommended_stage: RecommendedStage
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class RuleColumn:
    """What one rule says of some runs."""

    severity: Severity
    mode: str
    verdicts: Verdicts
    codes: Sequence[str]


def judge_many(runs: Sequence[JudgedRun], policy: Policy | None, terms: WorldTerms) -> list[Outcome]:
    """The outcome of each run; one that cannot be told as part of an array is judged alone."""
    outcomes = {i: judge_alone(run, policy, terms) for i, run in enumerate(runs) if run.is_broken}
    for stage in STAGES:
        rows = [i for i, run in enumerate(runs) if run.stage == stage and not run.is_broken]
        if rows:
            of_stage = judge_stage([runs[i] for i in rows], policy, terms)
            outcomes.update(zip(rows, of_stage, strict=True))
    return [outcomes[i] for i in range(len(runs))]


def judge_stage(runs: Sequence[JudgedRun], policy: Policy | None, terms: WorldTerms) -> list[Outcome]:
    """Outcomes of runs that are all of one stage."""
    profile = None if policy is None else policy.profile_for(runs[0].stage)
    if policy is None or profile is None:
        return [judge_alone(runs[0], policy, terms)] * len(runs)
    try:
        return judge_columns(runs, policy, profile, terms)
    except Exception:  # one run's oddity must not become the others' verdict
        return [judge_alone(run, policy, terms) for run in runs]


def judge_alone(run: JudgedRun, policy: Policy | None, terms: WorldTerms) -> Outcome:
    if run.is_broken:
        return outcome_of(failed_to_evaluate("it could not be measured", policy_version=None))
    case = Case(run.stage, run.figures, {}, Columns([run.record], [run.figures], terms))
    return outcome_of(judge(case, policy=policy, policy_version=None, from_returns=run.from_returns))


def outcome_of(judgement: Judgement) -> Outcome:
    reasons = tuple(violation["reason_code"] for violation in judgement.violations())
    return Outcome(judgement.status, judgement.recommended_stage, reasons)


def judge_columns(
    runs: Sequence[JudgedRun], policy: Policy, profile: Profile, terms: WorldTerms
) -> list[Outcome]:
    columns = Columns([run.record for run in runs], [run.figures for run in runs], terms)
    rules = [
        bound_column(rule, section, columns, policy)
        for rule in BOUND_RULES
        if rule.alone and rule.applies(runs[0].stage, section := rule.section(policy, profile))
    ]
    gates = gate_column(runs[0].stage, columns, len(runs), policy)
    rules += [] if gates is None else [gates]
    verdicts = verdicts_together(rules, len(runs))
    candidate = np.array([run.from_returns and run.stage != "backtest" for run in runs], dtype=np.bool_)
    candidate &= gates is not None and gates.verdicts == PASS
    return [
        Outcome(verdict, recommended(verdict, may_be_live), reasons)
        for verdict, may_be_live, reasons in zip(
            verdicts, candidate.tolist(), reasons_together(rules, len(runs)), strict=True
        )
    ]


def bound_column(rule: BoundRule, section: Any, columns: Columns, policy: Policy) -> RuleColumn:
    bounds = rule.bounds(section)
    values = np.array([columns.figure(bound.metric) for bound in bounds])
    margins = margins_of(bounds, values.reshape(len(bounds), len(columns.figures)))
    verdicts = verdicts_of(margins, policy.effective_on_missing_metric)
    codes = codes_of(rule.name, bounds, margins, verdicts)
    return RuleColumn(section.severity, section.mode, verdicts, codes)


def codes_of(name: str, bounds: Sequence[Bound], margins: Margins, verdicts: Verdicts) -> list[str]:
    """The first bound that a run misses, else that a figure is missing."""
    told = np.array(
        [f"{name}.ok", f"{name}.missing_metric", *(f"{name}.{b.key}" for b in bounds)], dtype=object
    )
    place = np.where(verdicts == PASS, 0, 1)
    if bounds:
        missed = margins < 0
        place = np.where(missed.any(axis=0), 2 + missed.argmax(axis=0), place)
    codes: list[str] = told[place].tolist()
    return codes


def gate_column(stage: Stage, columns: Columns, size: int, policy: Policy) -> RuleColumn | None:
    if stage == "backtest" or policy.selection is None or policy.selection.gates is None:
        return None
    on_missing = policy.effective_on_missing_metric
    verdicts = evaluate_gate(policy.selection.gates, each_alone(columns), size, on_missing=on_missing)
    codes = [f"{Gates.name}.{STATUS[verdict]}" for verdict in verdicts.tolist()]
    return RuleColumn(SEVERITY, "active", verdicts, codes)


def each_alone(columns: Columns) -> Callable[[MetricName], Column]:
    """Ranks as a run has them that is judged by itself: it is the first of one."""

    def column(name: MetricName) -> Column:
        if name.base is None:
            return columns(name)
        return np.where(np.isnan(columns(name.base)), np.nan, 1.0)

    return column


def verdicts_together(rules: Sequence[RuleColumn], size: int) -> list[Status]:
    """`fail` by a blocking failure, `inconclusive` by a blocking rule that could not tell, `warn` by any other."""
    told = np.full(size, "pass", dtype=object)
    deciding = [rule for rule in rules if rule.mode != "shadow" and rule.severity != "info"]
    blocking = [rule for rule in deciding if rule.severity == "blocking"]
    for rule in deciding:
        told[rule.verdicts != PASS] = "warn"
    for rule in blocking:
        told[rule.verdicts == INCONCLUSIVE] = "inconclusive"
    for rule in blocking:
        told[rule.verdicts == FAIL] = "fail"
    verdicts: list[Status] = told.tolist()
    return verdicts


def recommended(verdict: Status, may_be_live: bool) -> RecommendedStage:
    if verdict in {"fail", "inconclusive"}:
        return "backtest_only"
    return "paper_ok_live_candidate" if may_be_live else "paper_only"


def reasons_together(rules: Sequence[RuleColumn], size: int) -> list[tuple[str, ...]]:
    telling = [rule for rule in rules if rule.mode != "shadow"]
    telling.sort(key=lambda rule: WORST_FIRST.index(rule.severity))
    told = [np.where(rule.verdicts == PASS, "", rule.codes).tolist() for rule in telling]
    if not told:
        return [()] * size
    return [tuple(filter(None, row)) for row in zip(*told, strict=True)]
