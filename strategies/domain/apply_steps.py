"""What an apply does next, from what is stored: phases, who holds the gates, who has acknowledged, the clock."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum


class Step(StrEnum):
    FREEZE = "freeze"
    SWITCH = "switch"
    UNFREEZE = "unfreeze"
    COMPLETE = "complete"
    ROLL_BACK = "roll_back"
    WAIT = "wait"


def next_step(
    *,
    phase: str,
    everybody: bool,
    deadline: datetime | None,
    now: datetime,
) -> Step:
    """The step that a driver takes now.

    `everybody`: has answered in this phase who has a valid lease on a gate that is to open. Before the switch, silence
    abandons the openings; after it there is only forward, and silence is only told.
    """
    is_late = deadline is not None and now >= deadline
    match phase:
        case "requested":
            return Step.FREEZE
        case "freeze" if everybody:
            return Step.SWITCH
        case "freeze" if is_late:
            return Step.ROLL_BACK
        case "switch":
            return Step.UNFREEZE
        case "unfreeze" if everybody or is_late:
            return Step.COMPLETE
        case "freeze" | "unfreeze":
            return Step.WAIT
    raise ValueError(f"an apply that is {phase} has no next step")
