"""Use cases of rebalancing."""

from __future__ import annotations

from rebalancing.services.applying import apply_plan
from rebalancing.services.executing import execute_plan, settle_executions
from rebalancing.services.planning import plan_answer
from rebalancing.services.proposing import propose_after_switch, request_for
from rebalancing.services.reallocating import allocate

__all__ = [
    "allocate",
    "apply_plan",
    "execute_plan",
    "plan_answer",
    "propose_after_switch",
    "request_for",
    "settle_executions",
]
