"""The stored metrics document as tables to be read: each figure with its unit, bound, verdict or reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qmtl.metrics import CATALOGUE

BLOCKS = ("returns", "pnl", "sample", "risk", "robustness", "benchmark")
NOT_FIGURES = frozenset({"returns.window", "returns.source", "benchmark.source", "pnl.reference_currency"})
OWNERS = ("quant", "risk", "ops")
SEVERITIES = ("blocking", "soft", "info")


@dataclass(frozen=True)
class Bounded:
    """A figure of a run. `bound` None: no rule bounds it. `reason`: why it is missing."""

    dotted: str
    name: str
    unit: str
    formula: str
    value: Any
    op: str = ""
    bound: float | None = None
    verdict: str = ""
    rule: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Table:
    block: str
    rows: Sequence[Bounded]


@dataclass(frozen=True)
class RuleView:
    name: str
    result: Mapping[str, Any]
    checks: Sequence[Mapping[str, Any]]


def tables(document: Mapping[str, Any]) -> list[Table]:
    """One table per block, with the catalogue's order inside it."""
    evaluation = document["evaluation"]
    checks = checks_by_metric(document)
    missing = evaluation["diagnostics"]["validation_health"]["missing"]
    found = []
    for block in BLOCKS:
        rows = [
            bounded(dotted, name, value, checks.get(dotted), missing)
            for dotted, name, value in flat(block, evaluation.get(block) or {})
        ]
        if rows:
            found.append(Table(block, rows))
    return found


def flat(block: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Figures of a block with the nested ones (regime coverage, factor exposures) as lines of their own."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            for inner, figure in value.items():
                yield f"{block}.{name}.{inner}", f"{name}.{inner}", figure
        elif f"{block}.{name}" not in NOT_FIGURES:
            yield f"{block}.{name}", name, value


def bounded(
    dotted: str, name: str, value: Any, check: Mapping[str, Any] | None, missing: Mapping[str, str]
) -> Bounded:
    metric = CATALOGUE.get(dotted)
    known = check or {}
    return Bounded(
        dotted=dotted,
        name=name,
        unit=metric.unit if metric else "",
        formula=metric.formula if metric else "",
        value=value,
        op=known.get("op", ""),
        bound=known.get("bound"),
        verdict=known.get("status", ""),
        rule=known.get("rule", ""),
        reason=missing.get(dotted, "") if value is None else "",
    )


def checks_by_metric(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The bounds that rules hold against metrics; where two bound one metric, the failing one is shown."""
    found: dict[str, dict[str, Any]] = {}
    for name, result in document["validation"]["results"].items():
        for check in result["details"].get("checks") or []:
            dotted = check.get("metric")
            if dotted and found.get(dotted, {}).get("status") != "fail":
                found[dotted] = {**check, "rule": name}
    return found


def rules_by_owner(document: Mapping[str, Any]) -> list[tuple[str, list[RuleView]]]:
    """Who answers for what: rules by owner, the blocking ones first, failures before passes."""
    worst_first = ("fail", "inconclusive", "warn", "pass")
    views = [
        RuleView(name, result, result["details"].get("checks") or [])
        for name, result in document["validation"]["results"].items()
    ]
    views.sort(
        key=lambda view: (
            SEVERITIES.index(view.result["severity"]),
            worst_first.index(view.result["status"]),
            view.name,
        )
    )
    owners = [(owner, [view for view in views if view.result["owner"] == owner]) for owner in OWNERS]
    return [(owner, held) for owner, held in owners if held]
