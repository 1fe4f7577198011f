"""The lifecycle of a strategy's nodes, as runners report it and the service keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

MOST_NODES = 1000
"""Of one strategy, and of one report."""


class NodeState(StrEnum):
    INITIALIZED = "initialized"
    PRE_WARMUP = "pre_warmup"
    """Waits for its first `period` bars."""
    ACTIVE = "active"
    COMPLETED = "completed"
    ERROR = "error"
    """Its strategy computes only, until the node is reset."""


MOVES: Mapping[NodeState, frozenset[NodeState]] = {
    NodeState.INITIALIZED: frozenset(
        {NodeState.PRE_WARMUP, NodeState.ACTIVE, NodeState.COMPLETED, NodeState.ERROR}
    ),
    NodeState.PRE_WARMUP: frozenset(
        {NodeState.ACTIVE, NodeState.COMPLETED, NodeState.ERROR, NodeState.INITIALIZED}
    ),
    NodeState.ACTIVE: frozenset({NodeState.COMPLETED, NodeState.ERROR, NodeState.INITIALIZED}),
    NodeState.COMPLETED: frozenset({NodeState.ERROR, NodeState.INITIALIZED}),
    NodeState.ERROR: frozenset({NodeState.INITIALIZED}),
}
"""Forward, where a report may have missed what lay between; to `error` from any; back to the beginning by a reset,
which is the only way out of an error."""
