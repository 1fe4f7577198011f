"""The error that a strategy's side told in place of a record, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LONGEST = 500
"""Of a line about it; the whole stands in `validation.error` of the run's metrics."""


def error_words(error: Mapping[str, Any]) -> str:
    """What failed, when, and with which words, in one line: "node 'weights' failed at 2020-01-06T00:00:00Z: ..."."""
    if error["kind"] == "node":
        what = f"node {error['node']!r} failed"
    else:
        what = {"strategy": "the strategy's own code failed", "data": "the data cannot be used"}[
            error["kind"]
        ]
    at = f" at {error['at']}" if error.get("at") else ""
    line = " ".join(f"{what}{at}: {error['message']}".split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 4]} ..."
