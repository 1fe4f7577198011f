"""What the rules of selection have in common: may this candidate join those who are in?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


@dataclass(frozen=True)
class Refusal:
    """Why a candidate may not join. `inconclusive`: it cannot be told, so it is held."""

    rule: str
    status: Literal["fail", "inconclusive"]
    reason: str
    details: dict[str, Any] = field(default_factory=dict)


class AdmissionRule(Protocol):
    name: str

    def refuses(self, candidate: int, taken: Sequence[int]) -> Refusal | None:
        """None: it may join. Candidates are numbers of rows."""
        ...

    def remark(self, candidate: int) -> str | None:
        """What has to be said of one that was let in."""
        return None
