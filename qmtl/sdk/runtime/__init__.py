"""Trading: bars in, orders out through the gate, everything reported."""

from qmtl.sdk.runtime.feeds import Feed, PollingFeed, QueueFeed, ReplayFeed
from qmtl.sdk.runtime.gatekeeper import GateKeeper
from qmtl.sdk.runtime.report import RunReport
from qmtl.sdk.runtime.session import run

__all__ = ["Feed", "GateKeeper", "PollingFeed", "QueueFeed", "ReplayFeed", "RunReport", "run"]
