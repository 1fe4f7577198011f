"""There are only so many places, in all and per side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluation.domain.rules.admission import AdmissionRule, Refusal
from worlds.domain.policy.selection import Side


class TopK(AdmissionRule):
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
            return Refusal(self.name, "fail", f"{places(self.k)} taken, the last by {last}", {"k": self.k})
        side = self.sides[candidate]
        limit = self.per_side.get(side)
        if limit is not None and sum(self.sides[i] == side for i in taken) >= limit:
            return Refusal(
                self.name, "fail", f"{places(limit, f' of the side {side}')} taken", {"side": side}
            )
        return None


def places(number: int, whose: str = "") -> str:
    match number:
        case 0:
            return f"there is no place{whose}: none could be"
        case 1:
            return f"the one place{whose} is"
    return f"all {number} places{whose} are"
