"""Waiting for what other processes do."""

from __future__ import annotations

import time
from collections.abc import Callable

POLL = 0.01


def wait_for(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """AssertionError where it does not come about in time. Looks are counted, not seconds: while the machine stood still
    nothing could happen.
    """
    for _ in range(round(seconds / POLL)):
        if condition():
            return
        time.sleep(POLL)
    assert condition(), "it did not happen in time"
