"""What rebalancing refuses."""

from __future__ import annotations

from qmtl_site.http.refusals import Conflict


class PlanConflict(Conflict):
    code, title = "E_RUN_CONFLICT", "The run exists with another payload"


class OpeningRefused(Conflict):
    """Every order that is left opens something, and no gate lets it pass."""

    code, title = "E_GATE_CLOSED", "The gate is closed: only reductions pass"


class NoExecutor(Conflict):
    code, title = (
        "E_NO_EXECUTOR",
        "No runner executes orders in this world: none holds a lease as its executor",
    )
