"""What a run did, for whoever started it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from qmtl.sdk.runtime.desk import Desk


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """What a run did. `ended`: completed (no more bars), stopped, or failed (`error` says why). `missed`: of its bars,
    those that were computed and not traded, because newer ones were there already."""

    world_id: str
    strategy_id: str
    ended: str
    bars: int
    seconds: float
    mode: str
    orders: dict[str, int] = field(default_factory=dict)
    fills: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    performance_reported: int = 0
    fills_reported: int = 0
    not_taken: dict[str, int] = field(default_factory=dict)
    nodes: list[dict[str, Any]] = field(default_factory=list)
    error: str = ""
    missed: int = 0

    @property
    def exit_status(self) -> int:
        return 1 if self.ended == "failed" else 0


def rejected_by(desks: Iterable[Desk]) -> dict[str, int]:
    """How many orders were refused, by reason."""
    found: dict[str, int] = {}
    for desk in desks:
        for reason, count in desk.tally.rejected.items():
            found[reason] = found.get(reason, 0) + count
    return found
