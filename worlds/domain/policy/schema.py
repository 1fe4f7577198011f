"""The JSON Schema of the policy document, for editors."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any, Final

from worlds.domain.policy.document import Policy
from worlds.domain.policy.expressions import DEFINED_AS, SCHEMAS

SCHEMA_ID: Final = "urn:qmtl:schema:policy:1"


def policy_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the document, with descriptions and defaults; a copy for each caller."""
    return copy.deepcopy(_schema())


@cache
def _schema() -> dict[str, Any]:
    generated = _with_references(Policy.model_json_schema(by_alias=True, mode="validation"))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        **generated,
        "title": "WorldService policy",
        "$defs": {**generated["$defs"], **SCHEMAS},
    }


def _with_references(schema: Any) -> Any:
    """The schema with marks turned into references: the model can only refer to what it defines itself."""
    if isinstance(schema, list):
        return [_with_references(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    name = schema.get(DEFINED_AS)
    rest = {key: _with_references(value) for key, value in schema.items() if key != DEFINED_AS}
    return rest if name is None else {"$ref": f"#/$defs/{name}", **rest}
