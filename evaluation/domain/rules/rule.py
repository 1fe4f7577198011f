"""What every rule is: from one strategy's own figures and its section of the policy to a result with reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from worlds.domain.expression import MetricName
from worlds.domain.policy import Policy, Profile

Status = Literal["pass", "warn", "fail", "inconclusive"]
Severity = Literal["blocking", "soft", "info"]
OnMissing = Literal["fail", "warn", "ignore"]
Figures = Mapping[str, float | None]


@dataclass(frozen=True)
class RuleResult:
    """A verdict that brings its reason. `details` hold figure, bound and margin of the worst check, and all checks."""

    status: Status
    severity: Severity
    owner: str
    reason_code: str
    reason: str
    tags: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    mode: str = "active"

    def document(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "severity": self.severity,
            "owner": self.owner,
            "mode": self.mode,
            "reason_code": self.reason_code,
            "reason": self.reason,
            "tags": list(self.tags),
            "details": dict(self.details),
        }


@dataclass(frozen=True)
class Case:
    """What a run is judged by: its own figures by dotted name (None: missing) and the reasons of missing ones."""

    stage: str
    figures: Figures
    missing: Mapping[str, str]
    columns: Callable[[MetricName], NDArray[np.float64]] = lambda name: np.array([np.nan])


class Rule(Protocol):
    """`judge` gives None where the policy does not have the rule for this case."""

    name: str

    def judge(
        self, case: Case, *, policy: Policy, profile: Profile, on_missing: OnMissing
    ) -> RuleResult | None: ...


class BoundRule:
    """A rule that holds figures against the bounds of one section of the policy.

    `alone`: a run's own figures are enough; else the rule asks how it stands among others, and is part of
    decisions only. `stages`: of the runs that it is about.
    """

    name: str
    alone: ClassVar[bool] = True
    stages: ClassVar[frozenset[str]] = frozenset({"backtest", "paper", "live"})

    def section(self, policy: Policy, profile: Profile) -> Any:
        """The rule's section, None where it is off."""
        raise NotImplementedError

    def bounds(self, section: Any) -> list[Bound]:
        raise NotImplementedError

    def applies(self, stage: str, section: Any) -> bool:
        return section is not None and stage in self.stages

    def judge(
        self, case: Case, *, policy: Policy, profile: Profile, on_missing: OnMissing
    ) -> RuleResult | None:
        section = self.section(policy, profile)
        if not self.alone or not self.applies(case.stage, section):
            return None
        return judge_bounds(self.name, self.bounds(section), case, section=section, on_missing=on_missing)


@dataclass(frozen=True)
class Bound:
    """One threshold: a metric must be at least (`>=`) or at most (`<=`) a value."""

    key: str
    metric: str
    op: Literal[">=", "<="]
    value: float

    def check(self, case: Case) -> Check:
        figure = case.figures.get(self.metric)
        if figure is None:
            reason = case.missing.get(self.metric, "it was not given")
            return Check(self, None, None, f"{self.name} is missing: {reason}")
        margin = figure - self.value if self.op == ">=" else self.value - figure
        verb = "meets" if margin >= 0 else "misses"
        return Check(
            self, figure, margin, f"{self.name} {told(figure)} {verb} {self.key} {self.value:g}{_by(margin)}"
        )

    @property
    def name(self) -> str:
        return self.metric.rpartition(".")[2]


def told(figure: float) -> str:
    """Four digits, and whole numbers as they are."""
    return f"{figure:.0f}" if figure == round(figure) and abs(figure) < 1e15 else f"{figure:.4g}"


def _by(margin: float) -> str:
    return "" if margin >= 0 else f" by {told(abs(margin))}"


@dataclass(frozen=True)
class Check:
    """A figure held against its bound; `margin` >= 0 passes, None: the figure is missing."""

    bound: Bound
    value: float | None
    margin: float | None
    words: str

    @property
    def passes(self) -> bool:
        return self.margin is not None and self.margin >= 0

    def document(self) -> dict[str, Any]:
        return {
            "metric": self.bound.metric,
            "key": self.bound.key,
            "op": self.bound.op,
            "value": self.value,
            "bound": self.bound.value,
            "margin": self.margin,
            "status": "missing" if self.margin is None else "pass" if self.passes else "fail",
            "reason": self.words,
        }


def judge_bounds(
    name: str, bounds: Sequence[Bound], case: Case, *, section: Any, on_missing: OnMissing
) -> RuleResult:
    """All bounds of a section at once; a missing figure is treated as the policy says and never invented.

    `fail`: it fails. `warn`: the rule is inconclusive. `ignore`: the check is left out; all left out is inconclusive.
    """
    checks = [bound.check(case) for bound in bounds]
    known = [check for check in checks if check.margin is not None]
    absent = [check for check in checks if check.margin is None]
    failing = [check for check in known if not check.passes]
    if failing:
        return _result(name, "fail", f"{failing[0].bound.key}", failing, checks, section)
    if absent and on_missing == "fail":
        return _result(name, "fail", "missing_metric", absent, checks, section)
    if absent and (on_missing == "warn" or not known):
        return _result(name, "inconclusive", "missing_metric", absent, checks, section)
    return _result(name, "pass", "ok", known, checks, section)


def _result(
    name: str, status: Status, code: str, telling: Sequence[Check], checks: Sequence[Check], section: Any
) -> RuleResult:
    words = "; ".join(check.words for check in telling) or "no bound is set"
    worst = min(telling, key=_shortfall, default=None)
    return RuleResult(
        status=status,
        severity=section.severity,
        owner=section.owner,
        mode=section.mode,
        reason_code=f"{name}.{code}",
        reason=words,
        tags=(name,),
        details={
            "metric": worst.bound.metric if worst else None,
            "value": worst.value if worst else None,
            "bound": worst.bound.value if worst else None,
            "margin": worst.margin if worst else None,
            "checks": [check.document() for check in checks],
        },
    )


def _shortfall(check: Check) -> float:
    """Margin in units of the bound, so that different metrics compare; a missing figure is the worst."""
    if check.margin is None:
        return float("-inf")
    return check.margin / (abs(check.bound.value) or 1.0)


def present(*bounds: tuple[str, str, Literal[">=", "<="], float | None]) -> list[Bound]:
    """The bounds that are set."""
    return [Bound(key, metric, op, float(value)) for key, metric, op, value in bounds if value is not None]
