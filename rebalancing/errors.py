"""What rebalancing refuses."""

from __future__ import annotations

from qmtl_site.http.refusals import Conflict, IllegalTransition
from strategies.errors import ApplyInProgress, GateClosed


class PlanConflict(Conflict):
    code, title = "E_RUN_CONFLICT", "The run exists with another payload"


class ExecutionInProgress(ApplyInProgress):
    """Another rebalancing is being executed in one of these worlds: let it be completed, or cancel it."""


class NothingToCancel(IllegalTransition):
    """The rebalancing was completed."""


class PlanHasBegun(IllegalTransition):
    """It is being executed, or was: what has begun is cancelled."""


class PlanWithdrawn(IllegalTransition):
    """Somebody has said that nobody wants it: plan anew."""


class OpeningRefused(GateClosed):
    """Every order that is left opens something, and no gate lets it pass."""


class NoExecutor(Conflict):
    code, title = (
        "E_NO_EXECUTOR",
        "No runner executes orders in this world: none holds a lease as its executor",
    )
