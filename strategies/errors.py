"""What the strategies refuse."""

from __future__ import annotations

from qmtl_site.http.refusals import Conflict, IdempotencyConflict, IllegalTransition


class StrategyExists(Conflict):
    code, title = "E_STRATEGY_EXISTS", "There is already a strategy with this id"


class TakesNoPerformance(IllegalTransition):
    """A strategy that does not trade has no performance."""


class PerformanceConflict(IdempotencyConflict):
    """A record's key is its time: the same one came before with another value."""


class FillConflict(IdempotencyConflict):
    """A fill's key is its id: the same one came before with other values."""


class ApplyInProgress(Conflict):
    code, title = "E_APPLY_IN_PROGRESS", "Another apply of the world is in flight"


class AnotherPlan(IdempotencyConflict):
    """A run id names one plan for all time."""


class AlreadyLive(Conflict):
    code, title = "E_ALREADY_LIVE", "The strategy is live already"


class NotLive(Conflict):
    code, title = "E_NOT_LIVE", "The strategy is not live in this world"


class NoSlot(Conflict):
    code, title = "E_NO_SLOT", "The world has no place for another live strategy"


class StaleAck(Conflict):
    code, title = "E_STALE_ACK", "The acknowledgement is of another apply, epoch, client or sequence"


class GateClosed(Conflict):
    code, title = "E_GATE_CLOSED", "The gate is closed, or the lease on it has run out or was revoked"


class CrossContext(Conflict):
    code, title = "E_CROSS_CONTEXT", "Runners of this world read caches of another context"


class FingerprintMissing(Conflict):
    code, title = "E_FINGERPRINT", "The policy demands a dataset fingerprint that the run does not have"
