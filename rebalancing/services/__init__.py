"""Use cases of rebalancing."""

from __future__ import annotations

from rebalancing.services.applying import apply_plan
from rebalancing.services.cancelling import cancel_execution, withdraw_plan
from rebalancing.services.executing import execute_plan
from rebalancing.services.planning import plan_answer
from rebalancing.services.proposing import propose_after_switch, request_for
from rebalancing.services.reallocating import allocate
from rebalancing.services.settling import settle_executions
from rebalancing.services.words import Word, take_words

__all__ = [
    "Word",
    "allocate",
    "apply_plan",
    "cancel_execution",
    "execute_plan",
    "plan_answer",
    "propose_after_switch",
    "request_for",
    "settle_executions",
    "take_words",
    "withdraw_plan",
]
