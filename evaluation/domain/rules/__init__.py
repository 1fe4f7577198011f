"""The rules, one class a file. A new rule is one class in one file and its entry here."""

from __future__ import annotations

from collections.abc import Mapping

from evaluation.domain.rules.benchmark import Benchmark
from evaluation.domain.rules.cohort import Cohort
from evaluation.domain.rules.gates import Gates
from evaluation.domain.rules.live_monitoring import LiveMonitoring
from evaluation.domain.rules.paper_shadow_consistency import PaperShadowConsistency
from evaluation.domain.rules.performance import Performance
from evaluation.domain.rules.portfolio import Portfolio
from evaluation.domain.rules.risk import Risk
from evaluation.domain.rules.robustness import Robustness
from evaluation.domain.rules.rule import BoundRule, Rule
from evaluation.domain.rules.sample import Sample
from evaluation.domain.rules.stress import Stress

BOUND_RULES: tuple[BoundRule, ...] = (
    Sample(),
    Performance(),
    Robustness(),
    Risk(),
    Benchmark(),
    Stress(),
    Cohort(),
    Portfolio(),
    PaperShadowConsistency(),
    LiveMonitoring(),
)
"""Figures against bounds."""

REGISTRY: Mapping[str, Rule] = {**{rule.name: rule for rule in BOUND_RULES}, Gates.name: Gates()}
"""What a run is judged by alone, in this order."""
