"""The state of a world's gates as one hash, from what the events told: a client checks itself with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

TOLD = ("strategy_id", "side", "active", "weight", "freeze", "drain", "sequence", "epoch")


def state_hash(envelopes: Iterable[Mapping[str, Any]]) -> str:
    """sha256 (hex) over the newest `activation.updated` of each strategy, in any order.

    Only what an event tells counts, not what is lowered where it is read: replaying a world's events from the
    first one gives the hash that `GET /worlds/{w}/activation/state_hash` answers. A gate that was never told of
    is in neither.
    """
    rows = sorted([each[name] for name in TOLD] for each in envelopes if each["sequence"])
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()
