"""What a runner reports of a strategy's nodes, and the move that each report means."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict, model_validator

from qmtl.contracts.nodes import MOVES, NodeState

TRANSITIONS = {
    NodeState.INITIALIZED: "reset",
    NodeState.PRE_WARMUP: "warm_up",
    NodeState.ACTIVE: "activate",
    NodeState.COMPLETED: "complete",
    NodeState.ERROR: "fail",
}
Bars = Annotated[int, Strict(), Field(ge=0, le=100_000_000)]


class NodeReport(BaseModel):
    """How far a node is. `received` of `period` bars have arrived; `error` says what went wrong."""

    model_config = ConfigDict(extra="forbid")

    node: Annotated[str, Strict(), Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")]
    state: Literal["initialized", "pre_warmup", "active", "completed", "error"]
    period: Bars | None = None
    received: Bars = 0
    error: Annotated[str, Strict(), Field(max_length=4000, pattern=r"^[^\x00]*$")] = ""

    @model_validator(mode="after")
    def agrees_with_itself(self) -> NodeReport:
        if self.period is not None and self.received > self.period:
            raise ValueError("received is at most period")
        if (self.state == "error") is not bool(self.error):
            raise ValueError("error is said in state error, and only there")
        return self


def transition_of(before: str, after: str) -> str | None:
    """Name of the transition between two states; None where nothing moves. ValueError where there is none."""
    if before == after:
        return None
    if NodeState(after) not in MOVES[NodeState(before)]:
        raise ValueError(f"a node does not go from {before} to {after}")
    return TRANSITIONS[NodeState(after)]


def ways_out(state: str) -> list[str]:
    return sorted(TRANSITIONS[each] for each in MOVES[NodeState(state)])
