"""What a submission came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from qmtl.client.documents import Violation
from qmtl.sdk import html
from qmtl.sdk.failing import BROKEN
from qmtl.sdk.words import STAGES, VERDICTS, each_bound, explain_violation, number, passed_rules

EXIT_STATUS = {"pass": 0, "warn": 0, "submitted": 0, "fail": 1, "rejected": 1, "inconclusive": 3, "pending": 3,
               "unavailable": 4}  # fmt: skip
SHOWN = (
    ("returns", "sharpe"), ("returns", "cagr"), ("returns", "volatility"), ("returns", "max_drawdown"),
    ("returns", "sample_count"), ("sample", "n_trades_total"), ("robustness", "probabilistic_sharpe_ratio"),
    ("robustness", "deflated_sharpe_ratio"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ServiceWord:
    """What the service says; it alone counts.

    decision: what the newest decision does with the strategy (promote, hold, ...; None: it did not look at it yet).
    activation: the envelope of its gate. contribution: its part of the weights of all that are active.
    """

    decision: str | None = None
    activation: dict[str, Any] | None = None
    active: bool = False
    weight: float = 0.0
    contribution: float | None = None
    violations: list[Violation] = field(default_factory=list)
    recommended_stage: str | None = None


@dataclass(frozen=True, kw_only=True)
class SubmitResult:
    """`status`: pass, warn, fail or inconclusive as the service judged; pending (not judged yet), submitted (nothing is
    to be judged), rejected (its own code failed; `error` has the traceback) or unavailable (no service: `safe_mode`).

    precheck: figures worked out here, as advice. ws: the service's word. evaluation: its metric contract's figures.
    """

    world_id: str
    strategy_id: str
    status: str
    evaluation_run_id: str | None = None
    evaluation_run_url: str | None = None
    snapshot_url: str | None = None
    snapshot_path: str | None = None
    snapshot_error: str | None = None
    precheck: dict[str, Any] = field(default_factory=dict)
    ws: ServiceWord = field(default_factory=ServiceWord)
    allocations: dict[str, Any] = field(default_factory=dict)
    downgraded: bool = False
    safe_mode: bool = False
    downgrade_reason: str | None = None
    evaluation: dict[str, Any] = field(default_factory=dict, repr=False)
    validation: dict[str, Any] = field(default_factory=dict, repr=False)
    error: str = field(default="", repr=False)

    @property
    def violations(self) -> list[Violation]:
        return self.ws.violations

    @property
    def recommended_stage(self) -> str | None:
        return self.ws.recommended_stage

    @property
    def exit_status(self) -> int:
        """As the command line ends: 0 ok, 1 failing, 3 inconclusive or pending, 4 unreachable."""
        return EXIT_STATUS.get(self.status, 1)

    def document(self) -> dict[str, Any]:
        """As JSON; stable."""
        return {
            "world_id": self.world_id,
            "strategy_id": self.strategy_id,
            "evaluation_run_id": self.evaluation_run_id,
            "evaluation_run_url": self.evaluation_run_url,
            "snapshot_url": self.snapshot_url,
            "snapshot_path": self.snapshot_path,
            "snapshot_error": self.snapshot_error,
            "status": self.status,
            "precheck": self.precheck,
            "ws": {
                "decision": self.ws.decision,
                "activation": self.ws.activation,
                "active": self.ws.active,
                "weight": self.ws.weight,
                "contribution": self.ws.contribution,
                "violations": [dict(each.raw) for each in self.ws.violations],
                "recommended_stage": self.ws.recommended_stage,
            },
            "allocations": self.allocations,
            "downgraded": self.downgraded,
            "safe_mode": self.safe_mode,
            "downgrade_reason": self.downgrade_reason,
            "error": self.error or None,
        }

    # --- in words ---------------------------------------------------------------------------------------------
    def headline(self) -> str:
        return f"{self.strategy_id} in {self.world_id} {VERDICTS.get(self.status, self.status)}."

    def explain(self) -> str:
        """What passed, what failed and by how much, what would change it, and what comes next."""
        lines = [self.headline()]
        if self.downgrade_reason:
            lines.append(self.why_lowered())
        if self.snapshot_error:
            lines.append(f"Snapshot: {self.snapshot_error}.")
        if self.error:
            lines += ["", self.error.rstrip()]
        if figures := self.figures():
            lines += ["", "Measured: " + ", ".join(f"{name} {number(value)}" for name, value in figures)]
        if failed := self.failures():
            lines += ["", "Not satisfied:"] + [f"  - {line}" for line in failed]
        if passed := list(passed_rules(self.validation)):
            lines += ["", f"Satisfied: {', '.join(passed)}."]
        if next_step := self.next_step():
            lines += ["", next_step]
        return "\n".join(lines)

    def why_lowered(self) -> str:
        """A run that was judged has less than it might have; any other has nothing."""
        if not self.downgrade_reason:
            return ""
        called = "Why" if self.error or self.safe_mode else "Lowered"
        return f"{called}: {self.downgrade_reason.rstrip('.')}."

    def next_step(self) -> str:
        """What the service recommends; of code that failed it recommends nothing."""
        if self.error or not self.recommended_stage:
            return ""
        return f"Next: {STAGES.get(self.recommended_stage, self.recommended_stage)}."

    def failures(self) -> list[str]:
        """One sentence or two for each bound that is missed."""
        told = [each for each in self.violations if not (self.error and each.reason_code == BROKEN)]
        every = [each for violation in told for each in each_bound(violation, self.validation)]
        return [explain_violation(each, self.evaluation) for each in every]

    def figures(self) -> list[tuple[str, float | None]]:
        return [
            (name, self.evaluation[block][name])
            for block, name in SHOWN
            if name in (self.evaluation.get(block) or {})
        ]

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        return html.page(
            html.headline(self.headline(), self.status, self.exit_status),
            html.paragraph(self.why_lowered()),
            html.paragraph(self.snapshot_error and f"Snapshot: {self.snapshot_error}."),
            html.code(self.error),
            html.table((name, number(value)) for name, value in self.figures()),
            html.items(self.failures()),
            html.paragraph(self.next_step()),
        )
