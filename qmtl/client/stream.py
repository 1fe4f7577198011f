"""Following a world's events: server-sent events, resumed where they broke off, each event once and in order."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import aclosing, closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx

from qmtl.client.calls import Call
from qmtl.client.conversation import Retries, refusal, unreachable
from qmtl.client.decoding import decode
from qmtl.client.documents import Event
from qmtl.client.errors import Internal, QmtlError, RateLimited, Refused, UnexpectedAnswer, Unreachable

if TYPE_CHECKING:
    from qmtl.client.client import AsyncClient, Client

SILENCE = 20.0
"""Seconds without a byte after which a stream is dead: the service sends a heartbeat every 15."""
POLL = 1.0
"""Where no stream process answers, the plain page is asked so often."""


class EventStream:
    """Where a reader stands: the last sequence that he was given, and how long nothing has worked."""

    def __init__(
        self, world_id: str, *, after: int = 0, patience: float | None = None, retries: Retries | None = None
    ) -> None:
        self.world_id = world_id
        self.last = after
        self.patience = patience
        self.retries = retries or Retries()
        self.failures = 0
        self.failing_since: float | None = None
        self.lines: list[str] = []

    # --- the wire ---------------------------------------------------------------------------------------------
    def line(self, text: str) -> Event | None:
        """The next line of the stream; an event when one is complete. Comments keep it alive and say nothing."""
        self.alive()
        if text.startswith(":"):
            return None
        if text:
            self.lines.append(text)
            return None
        block, self.lines = self.lines, []
        data = "\n".join(line[5:].removeprefix(" ") for line in block if line.startswith("data:"))
        return self.event(data) if data else None

    def event(self, data: str) -> Event | None:
        try:
            document = json.loads(data)
        except ValueError:
            raise UnexpectedAnswer("The stream sent something that is no JSON") from None
        found: Event = decode(Event, document)
        return found

    def is_next(self, event: Event) -> bool:
        """Whether it is new; what came before is not, and before one that comes too early the missing are read."""
        if event.sequence != self.last + 1:
            return False
        self.last = event.sequence
        return True

    # --- failures ---------------------------------------------------------------------------------------------
    def alive(self) -> None:
        self.failures, self.failing_since = 0, None

    def pause(self, error: QmtlError) -> float:
        """Seconds until the next try. Raises what no repetition mends, and all when patience ends."""
        if isinstance(error, Refused) and not isinstance(error, RateLimited | Unreachable | Internal):
            raise error
        self.lines = []
        now = time.monotonic()
        self.failing_since = self.failing_since or now
        self.failures += 1
        if self.patience is not None and now - self.failing_since >= self.patience:
            raise error
        wait = self.retries.pause(min(self.failures, 10))
        return max(wait, error.retry_after or 0.0) if isinstance(error, Refused) else wait

    def request(self, http: Any, base: str) -> httpx.Request:
        call: Call[Any] = Call(
            method="GET", template="/worlds/{world_id}/events", names={"world_id": self.world_id}
        )
        built: httpx.Request = http.build_request(
            "GET",
            base + call.path,
            headers={"Accept": "text/event-stream", "Last-Event-ID": str(self.last)},
            timeout=httpx.Timeout(SILENCE, connect=5.0),
        )
        return built


# --- blocking -------------------------------------------------------------------------------------------------
def follow(client: Client, stream: EventStream, *, stop: Any = None) -> Generator[Event, None, None]:
    """Events through reconnections. Where only the web process answers, its pages are asked instead."""
    while stop is None or not stop.is_set():
        try:
            base = client.stream_from(client.health().stream_url)
            yield from streamed(client, stream, base, stop)
            wait = stream.retries.pause(1)
        except Unreachable as error:
            wait = POLL if (yield from polled(client, stream)) else stream.pause(error)
        except QmtlError as error:
            wait = stream.pause(error)
        if stop is None:
            time.sleep(wait)
        elif stop.wait(wait):
            return


def streamed(client: Client, stream: EventStream, base: str, stop: Any) -> Iterator[Event]:
    try:
        response = client.http.send(stream.request(client.http, base), stream=True)
        with closing(response), ended_by(stop, response):
            refuse(response, response.read)
            for text in response.iter_lines():
                if stop is not None and stop.is_set():
                    return
                event = stream.line(text)
                if event is None:
                    continue
                if event.sequence > stream.last + 1:
                    yield from polled_all(client, stream)
                if stream.is_next(event):
                    yield event
    except httpx.HTTPError as error:
        raise unreachable(error) from None


@contextmanager
def ended_by(stop: threading.Event | None, response: httpx.Response) -> Iterator[None]:
    """Whoever waits for the next line is woken when `stop` is set: the connection ends under him."""
    if stop is None:
        yield
        return
    left = threading.Event()

    def watch() -> None:
        while not left.is_set():
            if stop.wait(0.2):
                connection = response.extensions["network_stream"].get_extra_info("socket")
                with suppress(OSError, AttributeError):
                    connection.shutdown(socket.SHUT_RDWR)
                return

    threading.Thread(target=watch, name="event-stream-stop", daemon=True).start()
    try:
        yield
    finally:
        left.set()


def polled(client: Client, stream: EventStream) -> Generator[Event, None, bool]:
    """The pages instead. Returns whether the service answers them."""
    try:
        yield from polled_all(client, stream)
    except Unreachable:
        return False
    return True


def polled_all(client: Client, stream: EventStream) -> Iterator[Event]:
    while True:
        page = client.event_page(stream.world_id, after=stream.last)
        stream.alive()
        for event in page.events:
            if stream.is_next(event):
                yield event
        if not page.events:
            return


def refuse(response: httpx.Response, read: Any) -> None:
    if response.status_code >= 400:
        read()
        raise refusal(response)
    if not response.headers.get("Content-Type", "").startswith("text/event-stream"):
        raise Unreachable(f"{response.request.url} is no stream of events")


# --- asyncio --------------------------------------------------------------------------------------------------
async def follow_later(client: AsyncClient, stream: EventStream) -> AsyncGenerator[Event, None]:
    while True:
        try:
            base = client.stream_from((await client.health()).stream_url)
            async with aclosing(streamed_later(client, stream, base)) as events:
                async for event in events:
                    yield event
            wait = stream.retries.pause(1)
        except Unreachable as error:
            try:
                async for event in polled_later(client, stream):
                    yield event
                wait = POLL
            except Unreachable:
                wait = stream.pause(error)
        except QmtlError as error:
            wait = stream.pause(error)
        await asyncio.sleep(wait)


async def streamed_later(client: AsyncClient, stream: EventStream, base: str) -> Any:
    try:
        response = await client.http.send(stream.request(client.http, base), stream=True)
        try:
            if response.status_code >= 400:
                await response.aread()
            refuse(response, lambda: None)
            async for text in response.aiter_lines():
                event = stream.line(text)
                if event is None:
                    continue
                if event.sequence > stream.last + 1:
                    async for missing in polled_later(client, stream):
                        yield missing
                if stream.is_next(event):
                    yield event
        finally:
            await response.aclose()
    except httpx.HTTPError as error:
        raise unreachable(error) from None


async def polled_later(client: AsyncClient, stream: EventStream) -> AsyncIterator[Event]:
    while True:
        page = await client.event_page(stream.world_id, after=stream.last)
        stream.alive()
        for event in page.events:
            if stream.is_next(event):
                yield event
        if not page.events:
            return
