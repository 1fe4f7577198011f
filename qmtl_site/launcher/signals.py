"""SIGINT, SIGTERM and SIGHUP end the launcher as an exception, so that every `with` block cleans up."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from qmtl_site.launcher.errors import Interrupted

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Receiver:
    def __init__(self) -> None:
        self.holds = 0
        self.waiting: int | None = None
        self.stopping = False

    def receive(self, number: int, _frame: FrameType | None = None) -> None:
        if self.stopping:
            return  # a second Ctrl-C must not cut the clean-up short: it would leave servers behind
        if self.holds:
            self.waiting = number
            return
        self.stopping = True
        raise Interrupted(number)


_receiver = _Receiver()


def install() -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, _receiver.receive)


@contextmanager
def held() -> Iterator[None]:
    """Let a signal wait: a process that was started must not be lost before it is written down."""
    _receiver.holds += 1
    try:
        yield
    finally:
        _receiver.holds -= 1
    if not _receiver.holds and _receiver.waiting is not None:
        _receiver.receive(_receiver.waiting)
