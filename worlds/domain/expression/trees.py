"""The tree form: `all:`, `any:`, `not:`, `{metric, min, max}`, with text at any leaf."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from worlds.domain.expression.faults import ExpressionFault, together
from worlds.domain.expression.names import UnknownName, nearest, parse_name
from worlds.domain.expression.nodes import (
    Compare,
    Condition,
    Name,
    Not,
    conjunction,
    disjunction,
    number,
)
from worlds.domain.expression.parser import MAX_DEPTH, MAX_NODES, parse_text, require_bounds

FORMS: Final = ("all", "any", "not", "metric")
Tree = Mapping[Any, Any]


def parse_tree(source: Tree) -> Condition:
    """The gate that the tree form says.

    Raises `ExpressionFault` with every fault that the branches have, each with its path.
    """
    condition = _condition(source, MAX_DEPTH)
    require_bounds(condition)
    return condition


def _condition(source: object, levels: int) -> Condition:
    if isinstance(source, str):
        return cast(Condition, parse_text(source, kind="gate"))
    if not isinstance(source, Mapping):
        raise ExpressionFault("must be text, or a mapping with all, any, not or metric")
    if levels == 0:
        raise ExpressionFault(f"nested too deeply, at most {MAX_DEPTH} levels are allowed")
    form = _form(source)
    if form == "metric":
        return _metric_range(source)
    if form == "not":
        return Not(_under("not", lambda: _condition(source["not"], levels - 1)))
    terms = tuple(_terms(form, source[form], levels - 1))
    return conjunction(terms) if form == "all" else disjunction(terms)


def _form(source: Tree) -> str:
    found = [form for form in FORMS if form in source]
    if not found:
        key = next((str(key) for key in source), None)
        message = (
            "the tree is empty" if key is None else f"unknown form {key[:60]}: use all, any, not or metric"
        )
        raise ExpressionFault(message, nearest=nearest(key or "", FORMS))
    form = found[0]
    known = ("metric", "min", "max") if form == "metric" else (form,)
    unknown = [str(key) for key in source if key not in known]
    if unknown:
        raise together(
            [ExpressionFault(f"{form} does not go together with this key", path=(key,)) for key in unknown]
            if form != "metric"
            else [ExpressionFault("unknown key", path=(key,), nearest=nearest(key, known)) for key in unknown]
        )
    return form


def _terms(form: str, source: object, levels: int) -> list[Condition]:
    if not isinstance(source, list | tuple):
        raise ExpressionFault("must be a list", path=(form,))
    if not source:
        raise ExpressionFault("an empty list is no condition", path=(form,))
    if len(source) > MAX_NODES:
        raise ExpressionFault(f"more than {MAX_NODES} nodes", path=(form,))
    terms: list[Condition] = []
    faults: list[ExpressionFault] = []
    for index, item in enumerate(source):
        try:
            terms.append(_condition(item, levels))
        except ExpressionFault as fault:
            faults += [each.under((form, index)) for each in fault.all_faults]
    if faults:
        raise together(faults)
    return terms


def _under(key: str, parse: Callable[[], Condition]) -> Condition:
    try:
        return parse()
    except ExpressionFault as fault:
        raise together([each.under((key,)) for each in fault.all_faults]) from None


def _metric_range(source: Tree) -> Condition:
    """`{metric: m, min: a, max: b}` says m >= a and m <= b."""
    faults: list[ExpressionFault] = []
    low, high = _bound(source, "min", faults), _bound(source, "max", faults)
    name = _metric(source["metric"], faults)
    if not faults and low is None and high is None:
        faults.append(ExpressionFault("needs min, max or both"))
    if low is not None and high is not None and low > high:
        faults.append(ExpressionFault(f"min {low:g} is above max {high:g}", path=("min",)))
    if faults or name is None:
        raise together(faults)
    bounds = []
    if low is not None:
        bounds.append(Compare(">=", name, number(low)))
    if high is not None:
        bounds.append(Compare("<=", name, number(high)))
    return conjunction(tuple(bounds))


def _metric(text: object, faults: list[ExpressionFault]) -> Name | None:
    if not isinstance(text, str):
        faults.append(ExpressionFault("must be the name of a metric", path=("metric",)))
        return None
    try:
        return Name(parse_name(text.strip()))
    except UnknownName as unknown:
        faults.append(ExpressionFault(str(unknown), path=("metric",), nearest=unknown.nearest))
        return None


def _bound(source: Tree, key: str, faults: list[ExpressionFault]) -> float | None:
    value = source.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        faults.append(ExpressionFault("must be a number", path=(key,)))
        return None
    try:
        bound = float(value)
    except OverflowError:
        bound = math.inf
    if not math.isfinite(bound):
        faults.append(ExpressionFault("must be a finite number", path=(key,)))
        return None
    return bound
