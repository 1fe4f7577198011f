"""There are only so many places, in all and per side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluation.domain.rules.admission import Refusal
from worlds.domain.policy.selection import Side


class TopK:
    """At most `k` together, and at most `per_side` of a side. `names` and `sides` by row."""

    name = "top_k"

    def __init__(
        self, k: int, per_side: Mapping[Side, int], *, names: Sequence[str], sides: Sequence[Side]
    ) -> None:
        self.k = k
        self.per_side = per_side
        self.names = names
        self.sides = sides

    def refuses(self, candidate: int, taken: Sequence[int]) -> Refusal | None:
        if len(taken) >= self.k:
            last = self.names[taken[-1]] if taken else "nobody"
            return Refusal(
                self.name, "fail", f"all {self.k} places are taken, the last by {last}", {"k": self.k}
            )
        side = self.sides[candidate]
        limit = self.per_side.get(side)
        if limit is not None and sum(self.sides[i] == side for i in taken) >= limit:
            return Refusal(
                self.name, "fail", f"all {limit} places of the side {side} are taken", {"side": side}
            )
        return None
