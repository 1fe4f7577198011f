"""Would the selection's entry gates let this run through?

Asked of paper and live runs alone, whose record the gates are about. It is soft: a run that misses a gate is
not defective, it is not a candidate for live.
"""

from __future__ import annotations

from evaluation.domain.rules.rule import Case, OnMissing, RuleResult, Severity, Status
from worlds.domain.expression import Expression, LeafMargin, evaluate_gate, failed_leaves, to_text
from worlds.domain.policy import Policy, Profile

STATUS: dict[int, Status] = {1: "pass", 0: "fail", -1: "inconclusive"}
SEVERITY: Severity = "soft"


class Gates:
    """Would the selection's entry gates let this run through?"""

    name = "gates"

    def judge(
        self, case: Case, *, policy: Policy, profile: Profile, on_missing: OnMissing
    ) -> RuleResult | None:
        if case.stage == "backtest" or policy.selection is None or policy.selection.gates is None:
            return None
        gate: Expression = policy.selection.gates
        status = STATUS[int(evaluate_gate(gate, case.column, 1, on_missing=on_missing)[0])]
        lacking = [] if status == "pass" else failed_leaves(gate, case.lookup)
        words = "; ".join(leaf_words(leaf) for leaf in lacking) or f"passes {to_text(gate)}"
        return RuleResult(
            status=status,
            severity=SEVERITY,
            owner="quant",
            reason_code="gates.ok" if status == "pass" else f"gates.{status}",
            reason=words,
            tags=("gates",),
            details={
                "gates": to_text(gate),
                "checks": [
                    {"leaf": leaf.text, "value": leaf.value, "bound": leaf.bound, "margin": leaf.margin}
                    for leaf in lacking
                ],
                **worst_leaf(lacking),
            },
        )


def leaf_words(leaf: LeafMargin) -> str:
    if leaf.value is None or leaf.margin is None:
        return f"{leaf.text}: a figure is missing"
    return f"{leaf.text}: {leaf.value:.6g} lacks {abs(leaf.margin):.4g}"


def worst_leaf(lacking: list[LeafMargin]) -> dict[str, float | str | None]:
    if not lacking:
        return {"metric": None, "value": None, "bound": None, "margin": None}
    first = lacking[0]
    return {"metric": first.text, "value": first.value, "bound": first.bound, "margin": first.margin}
