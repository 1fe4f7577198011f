"""The one reader of new events in this process: woken by NOTIFY, with polling as the net.

Nothing here waits for a client. Each event is read once, framed once, and offered to the queue of every open
client of its world; who has no room left is dropped and resumes by Last-Event-ID.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache

import structlog
from django.conf import settings

from qmtl_site.http.refusals import Unavailable
from qmtl_site.stream.entry import Entry
from qmtl_site.stream.reader import LOST, PAGE, Reader, listening
from qmtl_site.stream.subscriber import Subscriber

log = structlog.get_logger(__name__)

RETRY_SECONDS = 0.5
# A listening connection whose network is gone looks idle: it is asked now and then.
LISTEN_CHECK_SECONDS = 30.0
# Without the database for so long, streams end: a client that reads one must not believe that nothing happens.
BLIND_SECONDS = 10.0


@dataclass
class Channel:
    """One world that somebody here reads. Everything up to `position` has been offered."""

    position: int
    subscribers: set[Subscriber] = field(default_factory=set)


class Tailer:
    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.subscribers: set[Subscriber] = set()  # every open one
        self.channels: dict[str, Channel] = {}  # those that have caught up, by world
        self.dirty: set[str] = set()
        self.news = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []
        self.seen_at = time.monotonic()  # when the database last answered
        self.asked_at = 0.0  # when it was last asked who may still read
        self.dropped: Counter[str] = Counter()

    # --- clients ----------------------------------------------------------------------------------------
    def enter(self, subscriber: Subscriber) -> None:
        """From now on it is watched: whether it may still read, and whether it takes what it is given."""
        self.start()
        self.subscribers.add(subscriber)

    def join(self, subscriber: Subscriber) -> None:
        """Offer this client whatever comes from now on. What came before it reads by itself, afterwards."""
        channel = self.channels.setdefault(subscriber.stream, Channel(subscriber.sent))
        channel.subscribers.add(subscriber)

    def leave(self, subscriber: Subscriber) -> None:
        self.subscribers.discard(subscriber)
        channel = self.channels.get(subscriber.stream)
        if channel is None:
            return
        channel.subscribers.discard(subscriber)
        if not channel.subscribers:
            del self.channels[subscriber.stream]

    def refuse_more_than(self, limit: int) -> None:
        if len(self.subscribers) >= limit:
            raise Unavailable(f"This process has {limit} open streams", retry_after=2)

    def drop(self, subscriber: Subscriber, reason: str) -> None:
        if not subscriber.ended:
            self.dropped[reason] += 1
            log.info("stream.dropped", world_id=subscriber.stream, reason=reason, sent=subscriber.sent)
            subscriber.end(reason)

    def drop_all(self, reason: str) -> None:
        for subscriber in list(self.subscribers):
            self.drop(subscriber, reason)

    # --- its three tasks --------------------------------------------------------------------------------
    def start(self) -> None:
        """Begin with the first client: there is no event loop earlier."""
        if not self.tasks:
            self.seen_at = time.monotonic()
            parts = (self.listen, self.follow, self.tick)
            self.tasks = [asyncio.create_task(self.for_ever(part), name=part.__name__) for part in parts]

    async def for_ever(self, part: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await part()
            except LOST as error:
                log.warning("stream.database_lost", part=part.__name__, error=str(error)[:200])
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:
                # Not to be understood is no reason to keep clients believing that all is well.
                log.exception("stream.failed", part=part.__name__)
                self.drop_all("fault")
                await asyncio.sleep(RETRY_SECONDS)

    async def listen(self) -> None:
        """Note which worlds have news; that there is any costs nothing where nobody reads that world."""
        async with listening() as connection:
            self.look_at(self.channels)
            while True:
                async for notification in connection.notifies(timeout=LISTEN_CHECK_SECONDS):
                    if notification.payload in self.channels:
                        self.look_at([notification.payload])
                await connection.execute("SELECT 1")

    def look_at(self, streams: Iterable[str]) -> None:
        self.dirty.update(streams)
        self.news.set()

    async def follow(self) -> None:
        """Read what is new in worlds with news, all of them at once, and offer it."""
        await self.news.wait()
        self.news.clear()
        streams = [stream for stream in self.dirty if stream in self.channels]
        self.dirty.clear()
        if not streams:
            return
        limit = min(PAGE, settings.STREAM_QUEUE)
        try:
            found = await self.reader.after({each: self.channels[each].position for each in streams}, limit)
        except BaseException:
            self.look_at(streams)
            raise
        self.seen_at = time.monotonic()
        for stream, entries in found.items():
            self.offer(stream, entries)
            if len(entries) == limit:
                self.look_at([stream])

    def offer(self, stream: str, entries: list[Entry]) -> None:
        channel = self.channels.get(stream)
        if channel is None:  # the last one left while the database was asked
            return
        # A channel that was left and joined again meanwhile may stand elsewhere.
        entries = [entry for entry in entries if entry.sequence > channel.position]
        if not entries:
            return
        channel.position = entries[-1].sequence
        for subscriber in list(channel.subscribers):
            if not subscriber.ended and not subscriber.offer(entries):
                self.drop(subscriber, "slow")

    async def tick(self) -> None:
        """The net: what NOTIFY did not tell, who may no longer read, who takes nothing, who needs a heartbeat."""
        await asyncio.sleep(settings.STREAM_POLL_SECONDS)
        now = time.monotonic()
        if now - self.seen_at > BLIND_SECONDS:
            self.drop_all("database")
        self.drop_stuck(now)
        if not self.subscribers:
            self.seen_at = now
            return
        await self.compare_heads()
        if now - self.asked_at >= settings.STREAM_RECHECK_SECONDS:
            await self.ask_who_may()
        self.send_heartbeats(now)

    async def compare_heads(self) -> None:
        heads = await self.reader.heads(self.channels)
        self.seen_at = time.monotonic()
        self.look_at([s for s, c in self.channels.items() if heads.get(s, 0) > c.position])

    async def ask_who_may(self) -> None:
        asking = list(self.subscribers)
        still = await self.reader.still_reading({(each.digest, each.stream) for each in asking})
        self.asked_at = time.monotonic()
        for subscriber in asking:
            if (subscriber.digest, subscriber.stream) not in still:
                self.drop(subscriber, "revoked")
        # Who has not taken yet what he was handed does not read.
        reading = {
            (each.digest, each.stream, *each.holder)
            for each in self.subscribers
            if each.holder is not None and each.handed_at is None
        }
        await self.reader.renew(reading, timedelta(seconds=settings.GATE_LEASE_SECONDS))

    def drop_stuck(self, now: float) -> None:
        for each in list(self.subscribers):
            if each.handed_at is not None and now - each.handed_at > settings.STREAM_SLOW_SECONDS:
                self.drop(each, "slow")

    def send_heartbeats(self, now: float) -> None:
        for each in list(self.subscribers):
            if each.streams and now - each.active_at >= settings.STREAM_HEARTBEAT_SECONDS:
                each.beat()


@cache
def tailer() -> Tailer:
    """This process's own."""
    return Tailer(Reader())
