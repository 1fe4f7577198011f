"""Would the selection's gates let this one through?

Asked of paper and live runs alone, whose record the gates are about, and of all candidates of a decision. For
a run alone it is soft: a run that misses a gate is not defective, it is not a candidate for live.
"""

from __future__ import annotations

import numpy as np

from evaluation.domain.board import Board, Mask, step
from evaluation.domain.rules.rule import Case, OnMissing, RuleResult, Severity, Status
from worlds.domain.expression import (
    Expression,
    LeafColumns,
    LeafMargin,
    evaluate_gate,
    lacking_leaves,
    to_text,
)
from worlds.domain.policy import Policy, Profile

STATUS: dict[int, Status] = {1: "pass", 0: "fail", -1: "inconclusive"}
SEVERITY: Severity = "soft"


class Gates:
    """Entry gates; for those who are live the exit gates, where the policy has them."""

    name = "gates"

    def judge(
        self, case: Case, *, policy: Policy, profile: Profile, on_missing: OnMissing
    ) -> RuleResult | None:
        if case.stage == "backtest" or policy.selection is None or policy.selection.gates is None:
            return None
        gate: Expression = policy.selection.gates
        status = STATUS[int(evaluate_gate(gate, case.columns, 1, on_missing=on_missing)[0])]
        lacking = [] if status == "pass" else lacking_leaves(gate, case.columns, 1)
        reason = "; ".join(words(leaf, 0) for leaf in lacking) or f"passes {to_text(gate)}"
        leaves = [leaf.of(0) for leaf in lacking]
        return RuleResult(
            status=status,
            severity=SEVERITY,
            owner="quant",
            reason_code="gates.ok" if status == "pass" else f"gates.{status}",
            reason=reason,
            tags=("gates",),
            details={
                "gates": to_text(gate),
                "checks": [
                    {"leaf": leaf.text, "value": leaf.value, "bound": leaf.bound, "margin": leaf.margin}
                    for leaf in leaves
                ],
                **worst_leaf(leaves),
            },
        )

    def screen(self, board: Board) -> None:
        selection = board.situation.policy.selection
        if selection is None or selection.gates is None:
            for i in np.flatnonzero(board.standing).tolist():
                board.hold(i, self.name, "the policy has no gates, so nothing is promoted")
            return
        exit_gates = selection.hysteresis.exit_gates
        self._screen(board, selection.gates, ~board.live, "the entry gates")
        self._screen(
            board, exit_gates or selection.gates, board.live, "the exit gates" if exit_gates else "the gates"
        )

    def _screen(self, board: Board, gate: Expression, whom: Mask, called: str) -> None:
        whom = whom & board.standing
        if not whom.any():
            return
        on_missing = board.situation.policy.effective_on_missing_metric
        verdicts = evaluate_gate(gate, board.columns, len(board), on_missing=on_missing)
        strict = verdicts
        if on_missing == "ignore":
            strict = evaluate_gate(gate, board.columns, len(board), on_missing="warn")
        passes, unseen = whom & (strict == 1), whom & (verdicts == 1) & (strict != 1)
        board.note_all(passes, step(self.name, "pass", f"passes {called}: {to_text(gate)}"))
        if passes[whom].all():
            return
        lacking = lacking_leaves(gate, board.columns, len(board))
        for i in np.flatnonzero(whom & ~passes).tolist():
            leaves = [leaf for leaf in lacking if leaf.lacking[i]]
            if unseen[i]:
                missing = ", ".join(leaf.text for leaf in leaves)
                reason = f"passes {called} but for what is missing and not looked at: {missing}"
                board.note(i, step(self.name, "pass", reason))
                continue
            reason = "; ".join(words(leaf, i) for leaf in leaves) or f"{called} cannot be told"
            board.margins[i] += [margin_document(leaf, i) for leaf in leaves]
            (board.fail if verdicts[i] == 0 else board.hold)(i, self.name, reason)


def words(leaf: LeafColumns, i: int) -> str:
    """ "sharpe 1.32 is 0.18 short of 1.5": what would have to be otherwise."""
    value, bound, margin = leaf.values[i], leaf.bounds[i], leaf.margins[i]
    left, operator = leaf.text.rsplit(" ", 2)[:2] if leaf.text.count(" ") == 2 else (leaf.text, "")
    if np.isnan(value) or np.isnan(bound):
        return f"{left} is missing" if operator else f"{leaf.text}: a figure is missing"
    if not operator or operator in {"==", "!="}:
        return f"{leaf.text} does not hold: {value:.4g} against {bound:.4g}"
    side = "short of" if operator in {">", ">="} else "above"
    return f"{left} {value:.4g} is {abs(margin):.3g} {side} {bound:.4g}"


def margin_document(leaf: LeafColumns, i: int) -> dict[str, object]:
    lacks = leaf.of(i)
    return {
        "rule": Gates.name,
        "metric": lacks.text,
        "value": lacks.value,
        "bound": lacks.bound,
        "margin": lacks.margin,
        "text": words(leaf, i),
    }


def worst_leaf(lacking: list[LeafMargin]) -> dict[str, float | str | None]:
    if not lacking:
        return {"metric": None, "value": None, "bound": None, "margin": None}
    first = lacking[0]
    return {"metric": first.text, "value": first.value, "bound": first.bound, "margin": first.margin}
