"""What the strategies refuse."""

from __future__ import annotations

from qmtl_site.http.refusals import Conflict, IdempotencyConflict, IllegalTransition


class StrategyExists(Conflict):
    code, title = "E_STRATEGY_EXISTS", "There is already a strategy with this id"


class TakesNoPerformance(IllegalTransition):
    """A strategy that does not trade has no performance."""


class PerformanceConflict(IdempotencyConflict):
    """A record's key is its time: the same one came before with another value."""
