"""The rules, one class a file; `REGISTRY` is the order in which a run is judged.

A new rule is one class in one file and its entry here.
"""

from __future__ import annotations

from collections.abc import Mapping

from evaluation.domain.rules.gates import Gates
from evaluation.domain.rules.performance import Performance
from evaluation.domain.rules.risk import Risk
from evaluation.domain.rules.robustness import Robustness
from evaluation.domain.rules.rule import Rule
from evaluation.domain.rules.sample import Sample

REGISTRY: Mapping[str, Rule] = {
    rule.name: rule for rule in (Sample(), Performance(), Robustness(), Risk(), Gates())
}
