"""Step 2: every rule of the stage's profile and of the policy's sections, over all candidates at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.domain.board import Board, step
from evaluation.domain.rules import BOUND_RULES
from evaluation.domain.rules.bound_columns import FAIL, PASS, Verdicts, margins_of, verdicts_of
from evaluation.domain.rules.rule import Bound, BoundRule
from worlds.domain.policy import Profile


@dataclass(frozen=True)
class Check:
    """One bound against the figures of some candidates; margins below 0 miss it, NaN: the figure is missing."""

    bound: Bound
    name: str
    values: list[float]
    margins: list[float]

    def lacking(self, row: int) -> bool:
        return not self.margins[row] >= 0

    def document(self, rule: str, row: int) -> dict[str, Any]:
        """What is lacking, as a figure and in words: "sharpe 1.32 is 0.18 short of 1.5"."""
        value, margin, bound = self.values[row], self.margins[row], self.bound
        told = {"rule": rule, "metric": bound.metric, "value": None, "bound": bound.value, "margin": None}
        if isnan(margin):
            told["text"] = f"{self.name} is missing"
            return told
        side = "short of" if bound.op == ">=" else "above"
        told["value"], told["margin"] = value, margin
        told["text"] = f"{self.name} {value:.4g} is {-margin:.3g} {side} {bound.value:g}"
        return told


def screen_profiles(board: Board) -> None:
    """A blocking failure fails, a blocking rule that cannot tell holds; the rest is told and decides nothing."""
    policy = board.situation.policy
    stages = [c.evidence.stage if c.evidence is not None else "" for c in board.candidates]
    for stage in ("backtest", "paper", "live"):
        rows = np.flatnonzero(board.standing & np.array([s == stage for s in stages], dtype=np.bool_))
        if not rows.size:
            continue
        profile = policy.profile_for(stage)
        if profile is None:
            for i in rows.tolist():
                board.hold(i, "profile", f"the policy has no validation profile for the stage {stage}")
            continue
        judge_stage(board, rows, stage, profile)


def judge_stage(board: Board, rows: NDArray[np.intp], stage: str, profile: Profile) -> None:
    policy = board.situation.policy
    told = False
    for rule in BOUND_RULES:
        section = rule.section(policy, profile)
        if rule.applies(stage, section):
            judge_rule(board, rows, rule, section)
            told = True
    if told:
        passed = np.zeros(len(board), dtype=np.bool_)
        passed[rows] = True
        board.note_all(passed & board.standing, step("profile", "pass", f"passes the profile {profile.name}"))


def judge_rule(board: Board, rows: NDArray[np.intp], rule: BoundRule, section: Any) -> None:
    try:
        checks, verdicts = held_against(board, rows, rule.bounds(section))
    except Exception as error:  # a rule's fault is a failed rule, or a warning, as the policy says
        rule_error(board, rows, rule, section, error)
        return
    for row in np.flatnonzero(verdicts != PASS).tolist():
        settle(board, int(rows[row]), rule.name, section, int(verdicts[row]), checks, row)


def held_against(
    board: Board, rows: NDArray[np.intp], bounds: Sequence[Bound]
) -> tuple[list[Check], Verdicts]:
    """The bounds against the figures of some candidates, each judged as a run alone is."""
    values = np.array([board.columns.figure(bound.metric)[rows] for bound in bounds])
    margins = margins_of(bounds, values.reshape(len(bounds), rows.size))
    columns = zip(bounds, values.tolist(), margins.tolist(), strict=True)
    checks = [Check(bound, bound.name, own, lacking) for bound, own, lacking in columns]
    return checks, verdicts_of(margins, board.situation.policy.effective_on_missing_metric)


def settle(
    board: Board, i: int, name: str, section: Any, verdict: int, checks: Sequence[Check], row: int
) -> None:
    """What a rule that did not pass means for one candidate."""
    lacking = [check.document(name, row) for check in checks if check.lacking(row)]
    reason = f"{name}: " + "; ".join([told["text"] for told in lacking])
    if section.mode == "shadow":
        board.shadow.setdefault(name, []).append(board.candidates[i].strategy_id)
        board.note(i, step(name, "shadow", f"would not pass: {reason}", severity=section.severity))
        return
    board.margins[i] += lacking
    if section.severity != "blocking":
        board.note(i, step(name, "warn", reason, severity=section.severity))
    elif verdict == FAIL:
        board.fail(i, name, reason, severity="blocking")
    else:
        board.hold(i, name, reason, severity="blocking")


def rule_error(board: Board, rows: NDArray[np.intp], rule: BoundRule, section: Any, error: Exception) -> None:
    reason = f"{rule.name}: rule_error: {type(error).__name__}: {error}"
    blocks = section.severity == "blocking" and section.mode != "shadow"
    for i in rows.tolist():
        if blocks and board.situation.policy.effective_on_error == "fail":
            board.fail(i, rule.name, reason, reason_code="rule_error")
        else:
            board.note(i, step(rule.name, "warn", reason, reason_code="rule_error"))
