"""What the world refuses."""

from __future__ import annotations

from qmtl_site.http.refusals import Conflict


class WorldExists(Conflict):
    code, title = "E_WORLD_EXISTS", "There is already a world with this id (ids differ by more than case)"


class WorldRetired(Conflict):
    code, title = "E_WORLD_RETIRED", "The world is retired; it can only be read"


class WorldHasLive(Conflict):
    code, title = "E_WORLD_HAS_LIVE", "The world has live strategies; deactivate them first, or force"


class FourEyes(Conflict):
    code, title = "E_FOUR_EYES", "This needs two different people"


class LiveNotAllowed(Conflict):
    code, title = "E_LIVE_NOT_ALLOWED", "The world does not allow live trading"


class BreakerEngaged(Conflict):
    code, title = "E_BREAKER_ENGAGED", "The circuit breaker is engaged"
