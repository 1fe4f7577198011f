"""Strategies that move together are not live together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from evaluation.domain.rules.admission import AdmissionRule, Refusal
from qmtl.metrics import Column


class PairwiseCorrelations(Protocol):
    def against(self, row: int, others: NDArray[np.intp]) -> tuple[Column, NDArray[np.int64]]:
        """Pearson correlation of a row with others (NaN: too few common points) and the common points."""
        ...


class Correlation(AdmissionRule):
    """At most `max_per_group` - 1 of those who are in may be correlated with a newcomer above `limit`."""

    name = "correlation"

    def __init__(
        self,
        pairs: PairwiseCorrelations,
        *,
        limit: float,
        max_per_group: int,
        absolute: bool,
        on_missing: Literal["fail", "warn", "ignore"],
        names: Sequence[str],
    ) -> None:
        self.pairs = pairs
        self.limit = limit
        self.max_per_group = max_per_group
        self.absolute = absolute
        self.on_missing = on_missing
        self.names = names
        self.unseen: dict[int, list[str]] = {}

    def refuses(self, candidate: int, taken: Sequence[int]) -> Refusal | None:
        if not taken:
            return None
        others = np.asarray(taken, dtype=np.intp)
        found, points = self.pairs.against(candidate, others)
        strength = np.abs(found) if self.absolute else found
        above = np.flatnonzero(strength > self.limit)
        if above.size > self.max_per_group - 1:
            return self._too_close(found, strength, above, others)
        unknown = np.flatnonzero(np.isnan(found))
        if unknown.size and self.on_missing != "ignore":
            return self._unknown(unknown, points, others)
        self.unseen[candidate] = [self.names[j] for j in others[unknown].tolist()]
        return None

    def remark(self, candidate: int) -> str | None:
        names = self.unseen.get(candidate)
        return f"correlation with {', '.join(names)} is unknown and not looked at" if names else None

    def _too_close(
        self, found: Column, strength: Column, above: NDArray[np.intp], others: NDArray[np.intp]
    ) -> Refusal:
        nearest = above[np.argmax(strength[above])]
        name = self.names[others[nearest]]
        return Refusal(
            self.name,
            "fail",
            f"correlation {found[nearest]:.2f} with {name}, above {self.limit:g}",
            {
                "with": sorted(self.names[j] for j in others[above].tolist()),
                "value": round(float(found[nearest]), 12),
                "bound": self.limit,
            },
        )

    def _unknown(
        self, unknown: NDArray[np.intp], points: NDArray[np.int64], others: NDArray[np.intp]
    ) -> Refusal:
        first = int(unknown[0])
        name = self.names[others[first]]
        return Refusal(
            self.name,
            "fail" if self.on_missing == "fail" else "inconclusive",
            f"correlation with {name} is unknown: {int(points[first])} common points",
            {"with": [name], "points": int(points[first])},
        )
