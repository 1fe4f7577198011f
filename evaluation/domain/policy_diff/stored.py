"""A run as it can be judged again: from its stored document, by any policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from evaluation.domain.figures import flatten
from evaluation.domain.record import Record
from evaluation.domain.rules.rule import Figures
from worlds.domain.expression import MetricName, names
from worlds.domain.policy import Policy, Stage

NO_FIGURES = frozenset({"gating"})
OF_THE_SERIES = frozenset({"window", "worst", "pnl_daily"})


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """What a verdict rests on.

    `identity` names it in a report. `record` lacks its series where no gate reads them. `from_returns` False:
    the client brought metrics only. `is_broken`: it could not be measured, which no policy changes.
    """

    identity: Mapping[str, str]
    stage: Stage
    figures: Figures
    record: Record
    from_returns: bool = True
    is_broken: bool = False


def judged_run(
    document: Mapping[str, Any], *, strategy_id: str, run_id: str, stage: str, record: Record | None = None
) -> JudgedRun:
    """The run of a metrics document; `record` with its series, where they were loaded."""
    evaluation = document["evaluation"]
    diagnostics = evaluation["diagnostics"]
    errors = document["validation"]["results"].get("evaluation") or {}
    return JudgedRun(
        identity={"strategy_id": strategy_id, "run_id": run_id, "stage": stage},
        stage=cast(Stage, stage),
        figures=figures_of(evaluation),
        record=record or without_series(stage, diagnostics.get("extra_metrics") or {}),
        from_returns=diagnostics["returns_source"] != "client",
        is_broken=errors.get("reason_code") == "evaluation.error",
    )


def figures_of(evaluation: Mapping[str, Any]) -> Figures:
    """The figures that the run was judged by, by dotted name: `Sheet.flat`, out of the document again."""
    figures: dict[str, float | None] = {}
    for block, values in evaluation.items():
        if block not in NO_FIGURES and isinstance(values, dict):
            flatten(block, values, figures)
    return figures


def without_series(stage: str, extra_metrics: Mapping[str, float]) -> Record:
    return Record(stage, None, None, None, told={"meta": {"extra_metrics": dict(extra_metrics)}})


def reads_series(policy: Policy | None) -> bool:
    """Whether the policy's gates ask for figures that only the returns themselves can give."""
    if policy is None or policy.selection is None or policy.selection.gates is None:
        return False
    return any(_measured(name).kind in OF_THE_SERIES for name in names(policy.selection.gates))


def _measured(name: MetricName) -> MetricName:
    return name if name.base is None else name.base
