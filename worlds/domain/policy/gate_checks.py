"""Gates that can be proven wrong: bounds against the sign of their metric, gates that never pass, exit gates
stricter than the entry gates.

Only what holds whatever the figures are is refused. Strictness is judged on the terms of the outermost `and`
that compare one metric with one number; a metric that the entry gates also use in another way is left alone,
as is one that only the exit gates bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from qmtl.metrics import CATALOGUE
from worlds.domain.expression import Condition, MetricName, Name, Number, names, parse_expression
from worlds.domain.expression.bounds import Bound, Bounds, bounds_of, simple_bound, terms_of
from worlds.domain.expression.nodes import FLIPPED, Compare, walk
from worlds.domain.expression.text import number_text, to_text
from worlds.domain.policy.document import Policy
from worlds.domain.policy.faults import Finding, Path

_GATES: Path = ("selection", "gates")
_EXIT_GATES: Path = ("selection", "hysteresis", "exit_gates")


def findings_in_gates(policy: Policy, document: Mapping[str, Any]) -> Iterator[Finding]:
    """What is provably wrong with the gates of `policy`; `document` gives their written form."""
    if policy.selection is None:
        return
    entry, leave = policy.selection.gates, policy.selection.hysteresis.exit_gates
    for path, gate in ((_GATES, entry), (_EXIT_GATES, leave)):
        if gate is not None:
            yield from _against_sign(_written(document, path), path)
            yield from _never_passes(gate, path)
    if entry is not None and leave is not None:
        yield from _stricter(entry, leave)


def _written(document: Mapping[str, Any], path: Path) -> Any:
    value: Any = document
    for part in path:
        value = value[part]
    return value


def _against_sign(source: Any, path: Path) -> Iterator[Finding]:
    """Walk the written form, so that each finding has its path in it."""
    if isinstance(source, list):
        for index, item in enumerate(source):
            yield from _against_sign(item, (*path, index))
    elif not isinstance(source, dict):
        gate = parse_expression(source, kind="gate") if isinstance(source, str) else source
        for leaf in walk(gate):
            if isinstance(leaf, Compare) and (message := _contradiction(leaf)):
                yield Finding(path, f"{to_text(leaf)}: {message}")
    elif "metric" in source:
        gate = parse_expression(source, kind="gate")
        for leaf in walk(gate):
            if isinstance(leaf, Compare) and (message := _contradiction(leaf)):
                yield Finding(
                    (*path, "min" if leaf.operator == ">=" else "max"), f"{to_text(leaf)}: {message}"
                )
    else:
        for key, item in source.items():
            yield from _against_sign(item, (*path, key))


def _contradiction(leaf: Compare) -> str | None:
    """Why the bound of `metric op number` can never be met, or never be missed."""
    match leaf:
        case Compare(operator, Name(name), Number(value)):
            return impossible_bound(name, operator, value)
        case Compare(operator, Number(value), Name(name)):
            return impossible_bound(name, FLIPPED[operator], value)
        case _:
            return None


def impossible_bound(name: MetricName, operator: str, value: float) -> str | None:
    """Why comparing `name` with `value` makes no sense, None where it does."""
    figure = name.base or name
    if name.kind == "rank":
        return "ranks begin at 1" if value < 1 else None
    if name.kind == "pct_rank":
        return "a percentile rank lies within 0 and 1" if not 0 <= value <= 1 else None
    if name.sign == "-" and value > 0:
        return f"{name} is never positive: a fall of {number_text(value)} is written {number_text(-value)}"
    if name.sign == "-" and value == 0 and operator == ">":
        return f"{name} is never positive"
    if name.sign == "+" and (value < 0 or (value == 0 and operator == "<")):
        return f"{name} is never negative"
    if figure.metric.endswith(".max_drawdown") or figure.metric == "max_drawdown":
        return f"{name} is a fraction, never below -1: 20% is -0.2" if value < -1 else None
    if _is_probability(name) and value > 1:
        return f"{name} is a probability, never above 1"
    return None


def _is_probability(name: MetricName) -> bool:
    metric = CATALOGUE.get(name.metric)
    return name.kind in ("metric", "window") and metric is not None and metric.unit == "probability"


def _never_passes(gate: Condition, path: Path) -> Iterator[Finding]:
    for name, bounds in bounds_of(gate).items():
        if bounds.exclude_everything():
            low, high = bounds.low_text(), bounds.high_text()
            yield Finding(path, f"never passes: {name} {low} and {name} {high} exclude each other")


def _stricter(entry: Condition, leave: Condition) -> Iterator[Finding]:
    elsewhere = {name for term in terms_of(entry) if simple_bound(term) is None for name in names(term)}
    enter = bounds_of(entry)
    for name, stay in bounds_of(leave).items():
        if name in elsewhere or name not in enter:
            continue
        for written, other in _stricter_bounds(enter[name], stay):
            message = f"{name} {written} is stricter than the entry gates' {name} {other}"
            yield Finding(_EXIT_GATES, message, concerns=(_GATES,))


def _stricter_bounds(enter: Bounds, stay: Bounds) -> Iterator[tuple[str, str]]:
    if stay.low is not None and enter.low is not None and stay.low > enter.low:
        yield stay.low_text(), enter.low_text()
    if stay.high is not None and enter.high is not None and _higher_is_stricter(stay.high, enter.high):
        yield stay.high_text(), enter.high_text()


def _higher_is_stricter(stay: Bound, enter: Bound) -> bool:
    return (-stay.value, stay.strict) > (-enter.value, enter.strict)
