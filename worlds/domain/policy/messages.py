"""What the typed model has against a document, in the words of somebody who edits one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from worlds.domain.expression.faults import ExpressionFault
from worlds.domain.expression.names import nearest
from worlds.domain.policy.document import Policy
from worlds.domain.policy.expressions import EXPRESSION_ERROR
from worlds.domain.policy.faults import Finding, Path

_WORDS: Final = {
    "missing": "is missing",
    "float_type": "must be a number, not {input}",
    "int_type": "must be a whole number, not {input}",
    "int_from_float": "must be a whole number, not {input}",
    "bool_type": "must be true or false, not {input}",
    "string_type": "must be text, not {input}",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "string_pattern_mismatch": "a name has 1 to 64 letters, digits, _ . or -, and does not begin with . or -",
    "finite_number": "must be a finite number",
    "model_type": "must be a mapping, not {input}",
    "dict_type": "must be a mapping, not {input}",
    "tuple_type": "must be a list, not {input}",
    "too_short": "must not be empty",
    "too_long": "must have at most {max_length} items",
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}, not {input}",
}
# Bounds that are easily written with the wrong sign or as a percentage.
_ABOUT: Final = {
    "max_dd_max": "it bounds the size of max_drawdown: 0.25 means max_drawdown >= -0.25",
    "max_drawdown_min": "a drawdown is a fraction <= 0: 20% is -0.2",
    "max_drawdown": "a drawdown is a fraction <= 0: 20% is -0.2",
    "es_99": "a loss is a positive fraction",
    "var_99": "a loss is a positive fraction",
    "pbo_max": "it is a probability",
    "dsr_min": "it is a probability",
    "dsr_median_min": "it is a probability",
    "psr_min": "it is a probability",
}
_BOUND_ERRORS: Final = frozenset({"greater_than", "greater_than_equal", "less_than", "less_than_equal"})


def finding_sets(error: ValidationError, document: Mapping[Any, Any]) -> tuple[list[Finding], list[Path]]:
    """The findings, and the paths of the values that they are about."""
    findings: list[Finding] = []
    bad: list[Path] = []
    details_of_all = error.errors(include_url=False)
    parents = {details["loc"][:-1] for details in details_of_all}
    for details in details_of_all:
        if details["type"] == "too_short" and details["loc"] in parents:
            continue  # It lacks items only because its items are faulty themselves.
        path = details["loc"][:-1] if details["loc"][-1:] == ("[key]",) else details["loc"]
        bad.append(path)
        findings += _findings(details, path)
    return findings, bad


def _findings(details: ErrorDetails, path: Path) -> list[Finding]:
    context = details.get("ctx", {})
    if details["type"] == EXPRESSION_ERROR:
        return [_of_expression(fault, path) for fault in context["fault"].all_faults]
    is_key = details["loc"][-1:] == ("[key]",)
    if details["type"] == "extra_forbidden":
        known = known_keys(path[:-1])
        return [Finding(path, "unknown key", tuple(nearest(str(path[-1]), known)), of_key=True)]
    if details["type"] == "literal_error":
        words = re.findall(r"'([^']+)'", context["expected"])
        near = tuple(nearest(str(details["input"]), words)) if words else ()
        return [Finding(path, _message(details, context), near, of_key=is_key)]
    return [Finding(path, _message(details, context), of_key=is_key)]


def _of_expression(fault: ExpressionFault, path: Path) -> Finding:
    where = "" if fault.position is None else f" (at character {fault.position + 1})"
    return Finding(path + fault.path, fault.message + where, tuple(fault.nearest), offset=fault.position)


def _message(details: ErrorDetails, context: dict[str, Any]) -> str:
    words = _WORDS.get(details["type"])
    message = details["msg"] if words is None else words.format(input=_shown(details["input"]), **context)
    about = _ABOUT.get(str(details["loc"][-1])) if details["type"] in _BOUND_ERRORS else None
    return f"{message}: {about}" if about else message


def _shown(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value!r}"[:60]
        case str():
            return f"the text {value[:40]!r}"
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            return f"a {type(value).__name__}"


def known_keys(path: Path) -> list[str]:
    """The keys that the mapping at `path` of the document may have."""
    annotation: Any = Policy
    for part in path:
        model = _model_in(annotation)
        if model is not None:
            annotation = _annotations(model).get(str(part))
        elif arguments := _mapping_arguments(annotation):
            annotation = arguments[1]
        else:
            annotation = next(iter(get_args(annotation)), None)
    found = _model_in(annotation)
    return list(_annotations(found)) if found is not None else []


def _annotations(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that the annotation is, or may be besides None."""
    for candidate in (annotation, *(() if get_origin(annotation) in (dict, tuple) else get_args(annotation))):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _mapping_arguments(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) is dict else ()
