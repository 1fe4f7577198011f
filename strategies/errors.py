"""What the strategies refuse."""

from __future__ import annotations

from qmtl_site.http.refusals import Conflict


class StrategyExists(Conflict):
    code, title = "E_STRATEGY_EXISTS", "There is already a strategy with this id"
