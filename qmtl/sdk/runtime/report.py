"""What a run did, for whoever started it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from qmtl.client import QmtlError
from qmtl.sdk.errors import AuthorError


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """What a run did. `ended`: completed (no more bars), stopped, or failed (`error` says why). `missed`: of its bars,
    those that were computed and not traded, because newer ones were there already.

    orders, fills: by mode. rejected: orders that were refused, by reason; withdrawn: those that the runner itself took
    back before they were filled, by why it did: `gate_closed`, `mode_left` (paper), or `replaced` by what came later.
    exit_status: as the command line ends; 2 where starting it again is of no use, as beside another runner. failed_at:
    of an author's error the place, the bar's time, the kind and the code: who meets the same twice need not try again.
    """

    world_id: str
    strategy_id: str
    ended: str
    bars: int
    seconds: float
    mode: str
    orders: dict[str, int] = field(default_factory=dict)
    fills: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    withdrawn: dict[str, int] = field(default_factory=dict)
    performance_reported: int = 0
    fills_reported: int = 0
    not_taken: dict[str, int] = field(default_factory=dict)
    nodes: list[dict[str, Any]] = field(default_factory=list)
    error: str = ""
    exit_status: int = 0
    failed_at: dict[str, str] | None = None
    missed: int = 0


def words_of_failure(failure: QmtlError) -> str:
    """With an author's own lines, or with what to do."""
    if isinstance(failure, AuthorError):
        return failure.report
    return f"{failure} {failure.next_step}".strip()


def place_of_failure(failure: QmtlError | None, code: str) -> dict[str, str] | None:
    if not isinstance(failure, AuthorError):
        return None
    return {
        "where": failure.where,
        "at": failure.at,
        "kind": failure.what.partition(":")[0],
        "code_hash": code,
    }


def summed(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    """Of all desks, by reason."""
    found: dict[str, int] = {}
    for each in counts:
        for reason, count in each.items():
            found[reason] = found.get(reason, 0) + count
    return found
