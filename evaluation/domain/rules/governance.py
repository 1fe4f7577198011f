"""Who lets a strategy go live: the world's state and switches, the policy's mode, cooldown and slots."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.domain.candidates import Candidate, Situation
from evaluation.domain.rules.admission import Refusal
from evaluation.domain.rules.data_currency import milliseconds


class Governance:
    """Nothing here can be forced: what is refused waits with its counters."""

    name = "governance"

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self.terms = situation.policy.governance.live_promotion
        self.promoted = 0

    def refuses(self, row: int, taken: Sequence[int], candidate: Candidate) -> Refusal | None:
        """`taken`: who would be live."""
        reason = self.standstill() or self._rejected(candidate) or self._slots(len(taken)) or self._cooldown()
        return None if reason is None else Refusal(self.name, "fail", reason)

    def how_it_goes(self) -> str:
        """What happens to a promotion that nothing refuses."""
        if self.terms.mode == "auto_apply":
            return "goes live by itself"
        return f"waits for the approval of {' or '.join(self.terms.approvers)}"

    def standstill(self) -> str | None:
        """Why nobody goes live at present."""
        situation = self.situation
        if situation.world_state != "ACTIVE":
            return f"the world is {situation.world_state}"
        if situation.circuit_breaker:
            return "the circuit breaker is engaged"
        if not situation.allow_live:
            return "the world does not allow live trading (allow_live is false)"
        if self.terms.mode == "disabled":
            return "live promotion is disabled by the policy"
        return None

    def _rejected(self, candidate: Candidate) -> str | None:
        if self.terms.mode != "manual_approval" or not candidate.rejected_run:
            return None
        if candidate.rejected_run != candidate.run_id:
            return None
        return f"its promotion on run {candidate.run_id} was rejected; its next run asks again"

    def _slots(self, live: int) -> str | None:
        slots = self.terms.max_live_slots
        return f"{live} of {slots} live slots are taken" if slots is not None and live >= slots else None

    def _cooldown(self) -> str | None:
        """From one promotion of the world to the next; so within one decision there is one at most."""
        cooldown, last = milliseconds(self.terms.cooldown), self.situation.last_promotion
        if cooldown and self.promoted:
            return f"another one goes live now, and the cooldown is {self.terms.cooldown}"
        if cooldown and last is not None and self.situation.now - last < cooldown:
            return f"the cooldown of {self.terms.cooldown} since the last promotion has not passed"
        return None
