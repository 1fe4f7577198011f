"""Where closed bars come from while a strategy runs: history at a chosen speed, a queue, or a source that is asked."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from qmtl.client.documents import DataPreset
from qmtl.sdk.data import Provider, load
from qmtl.sdk.errors import DataError
from qmtl.sdk.frame import Bar, Frame
from qmtl.sdk.intervals import milliseconds


class Feed(Protocol):
    """Closed bars, oldest first. It ends when there are no more, or soon after `stop` is set. One that follows a market
    may say with an attribute `is_behind` that the bar that it gave last is not its newest any more."""

    def bars(self, stop: threading.Event) -> Iterator[Bar]: ...


class Ending(threading.Event):
    """Set when it is itself, or when whoever may stop it says so."""

    LOOK_EVERY = 0.1

    def __init__(self, stop: threading.Event) -> None:
        super().__init__()
        self.stop = stop

    def is_set(self) -> bool:
        return self.stop.is_set() or super().is_set()

    def wait(self, timeout: float | None = None) -> bool:
        until = None if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            left = self.LOOK_EVERY if until is None else until - time.monotonic()
            if left <= 0:
                return False
            self.stop.wait(min(left, self.LOOK_EVERY))
        return True


class ReplayFeed:
    """History again. `speed`: bars a second; None as fast as they are taken."""

    def __init__(self, frame: Frame, speed: float | None = None) -> None:
        if speed is not None and not speed > 0:
            raise DataError(f"a speed of {speed} bars a second leads nowhere")
        self.frame, self.speed = frame, speed

    def bars(self, stop: threading.Event) -> Iterator[Bar]:
        began = time.monotonic()
        for place, bar in enumerate(self.frame.bars()):
            if self.speed is not None and stop.wait(max(0.0, began + place / self.speed - time.monotonic())):
                return
            if stop.is_set():
                return
            yield bar


class QueueFeed:
    """Bars that somebody else puts in; None ends it."""

    def __init__(self, bars: queue.Queue[Bar | None]) -> None:
        self.queue = bars

    def bars(self, stop: threading.Event) -> Iterator[Bar]:
        while not stop.is_set():
            try:
                bar = self.queue.get(timeout=0.2)
            except queue.Empty:
                continue
            if bar is None:
                return
            yield bar


class PollingFeed:
    """The declared source, asked again and again for bars after the last one; a failure is asked again.

    `on_failure` is told of it: whoever trades on this should know that it sees nothing new. `is_behind`: whether the bar
    that was given last is not the newest one that is there, as after a night without the runner or the source: nobody
    can trade at its prices any more.
    """

    def __init__(
        self,
        preset: DataPreset,
        *,
        after: int,
        provider: Provider | None = None,
        pause: float | None = None,
        on_failure: Callable[[DataError], None] | None = None,
    ) -> None:
        self.preset, self.provider, self.after = preset, provider, after
        self.pause = pause or min(60.0, max(0.5, milliseconds(preset.interval) / 1000 / 20))
        self.on_failure = on_failure
        self.is_behind = False

    def bars(self, stop: threading.Event) -> Iterator[Bar]:
        while not stop.is_set():
            try:
                fresh = load(self.preset, provider=self.provider).part(self.after + 1)
            except DataError as error:
                if self.on_failure is not None:
                    self.on_failure(error)
                fresh = None
            for bar in fresh.bars() if fresh is not None else ():
                if stop.is_set():
                    return
                self.after = bar.time
                self.is_behind = fresh is not None and bar.time < int(fresh.times[-1])
                yield bar
            if stop.wait(self.pause):
                return
