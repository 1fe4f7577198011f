"""The proposed portfolio stays within its bounds: in all, and per family."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.domain.rules.admission import AdmissionRule, Refusal

ROUNDING = 1e-9


class Exposure(AdmissionRule):
    """Each one in takes `weight`, the weight proposed before the final ones are known. A None bound is off."""

    name = "exposure"

    def __init__(
        self, *, weight: float, max_gross: float | None, max_per_family: float | None, families: Sequence[str]
    ) -> None:
        self.weight = weight
        self.max_gross = max_gross
        self.max_per_family = max_per_family
        self.families = families

    def refuses(self, candidate: int, taken: Sequence[int]) -> Refusal | None:
        gross = (len(taken) + 1) * self.weight
        if self.max_gross is not None and gross > self.max_gross + ROUNDING:
            return self._refusal(f"gross exposure would be {gross:.3g}, above {self.max_gross:g}", gross)
        if self.max_per_family is None:
            return None
        family = self.families[candidate]
        share = (1 + sum(self.families[i] == family for i in taken)) * self.weight
        if share > self.max_per_family + ROUNDING:
            called = family.partition(":")[2] or family
            return self._refusal(
                f"the family {called} would have {share:.3g}, above {self.max_per_family:g}", share
            )
        return None

    def _refusal(self, reason: str, value: float) -> Refusal:
        return Refusal(self.name, "fail", reason, {"value": value})
