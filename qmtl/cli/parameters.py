"""Parameters of a strategy as text: NAME=VALUE, read as what the class has there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from qmtl.cli.failures import UsageError

if TYPE_CHECKING:
    from qmtl.sdk import Strategy


def parameters(given: Iterable[str], kind: type[Strategy]) -> dict[str, Any]:
    """JSON values; text where the class has text, or where it is no JSON. UsageError for what has no `=`."""
    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(f"--param is NAME=VALUE, not {text!r}")
        found[name] = value if isinstance(getattr(kind, name, None), str) else read(value)
    return found


def read(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value
