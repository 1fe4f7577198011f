"""Rows of evaluation: runs with their evidence, and decisions."""

from __future__ import annotations

from evaluation.models.decisions import Decision, EvaluationTurn, Promotion
from evaluation.models.runs import (
    CohortMember,
    EvaluationRun,
    RunInput,
    RunResult,
    RunRevision,
    Snapshot,
    Trial,
)

__all__ = [
    "CohortMember",
    "Decision",
    "EvaluationRun",
    "EvaluationTurn",
    "Promotion",
    "RunInput",
    "RunResult",
    "RunRevision",
    "Snapshot",
    "Trial",
]
