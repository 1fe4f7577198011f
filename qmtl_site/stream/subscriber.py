"""One open client: a bounded queue between the tailer, which waits for nobody, and a connection that may be slow."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from qmtl_site.stream.entry import Entry


def leave_it() -> None:
    """A server that cannot cut its connections: the operating system does it in time."""


class Subscriber:
    """`sent` is the last sequence that its connection was given; whatever comes is measured against it."""

    def __init__(
        self,
        *,
        stream: str,
        digest: str,
        sent: int,
        room: int,
        streams: bool,
        holder: tuple[str, str] | None = None,
        abort: Callable[[], Any] = leave_it,
    ) -> None:
        self.holder = holder  # the gate client that reads, and the hash of its lease's secret
        self.stream, self.digest, self.sent, self.room, self.streams = stream, digest, sent, room, streams
        self.abort = abort
        self.queue: deque[Entry] = deque()
        self.news = asyncio.Event()
        self.ended = ""
        self.beat_is_due = False
        self.handed_at: float | None = None  # since when the connection has been busy with what it was given
        self.active_at = time.monotonic()

    def offer(self, entries: Sequence[Entry]) -> bool:
        """Take events to send; False when there is no room for them: the client is slower than its world."""
        if len(self.queue) + len(entries) > self.room:
            return False
        self.queue.extend(entries)
        self.news.set()
        return True

    def beat(self) -> None:
        self.beat_is_due = True
        self.news.set()

    def end(self, reason: str) -> None:
        """Close the stream; what is not sent is read again by whoever resumes."""
        if self.ended:
            return
        self.ended = reason
        self.queue.clear()
        self.news.set()
        if self.handed_at is not None:
            self.abort()

    async def entries(self) -> list[Entry]:
        """All that has come, at least one event, a heartbeat that is due, or the end: then nothing."""
        await self.news.wait()
        self.news.clear()
        taken = [entry for entry in self.queue if entry.sequence > self.sent]
        self.queue.clear()
        return taken
