"""Policy impact: what another policy would make of the same runs, scenarios and bindings."""

from __future__ import annotations

from evaluation.domain.policy_diff.comparison import Change, Comparison
from evaluation.domain.policy_diff.judging import Outcome, judge_alone, judge_many
from evaluation.domain.policy_diff.markdown import to_markdown
from evaluation.domain.policy_diff.moves import as_if_counted, compare_decisions
from evaluation.domain.policy_diff.scenarios import Scenario, try_scenarios
from evaluation.domain.policy_diff.stored import JudgedRun, judged_run, reads_series

__all__ = [
    "Change",
    "Comparison",
    "JudgedRun",
    "Outcome",
    "Scenario",
    "as_if_counted",
    "compare_decisions",
    "judge_alone",
    "judge_many",
    "judged_run",
    "reads_series",
    "to_markdown",
    "try_scenarios",
]
