"""What follows for rebalancing from events: a switch of the live set may call for other sizes."""

from __future__ import annotations

from typing import Any

from qmtl_site.outbox.events import after
from rebalancing import services
from strategies.events import ApplyPhaseChanged


@after(ApplyPhaseChanged, when=lambda apply: apply["after"] == "completed")
def propose_when_others_are_live(event: dict[str, Any]) -> None:
    data = event["data"]
    services.propose_after_switch(world_id=data["world_id"], run_id=data["run_id"])
