"""The blocking and the asyncio client. Every method of `Endpoints` is on both; here is only how they wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx

import qmtl
from qmtl.client.calls import Call, Negotiated, Pages
from qmtl.client.config import Config, load_config
from qmtl.client.conversation import (
    Ask,
    Conversation,
    KnownDocuments,
    Pause,
    Reply,
    Retries,
    answer_to,
    page_of,
)
from qmtl.client.documents import Event
from qmtl.client.endpoints import Endpoints
from qmtl.client.endpoints.endpoint import Blocking, Waiting
from qmtl.client.stream import EventStream, follow, follow_later

T = TypeVar("T")

TIMEOUT = 30.0
CONNECT_TIMEOUT = 5.0


class Connection:
    """What both clients share: where, who, how long, how often."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        stream_url: str | None = None,
        config: Config | None = None,
        timeout: float = TIMEOUT,
        retries: Retries | None = None,
        actor: str | None = None,
    ) -> None:
        """What is not given comes from the environment and the configuration file (`load_config`).

        `timeout`: seconds for an answer. `actor`: a label beside the token's user in the audit (X-Actor).
        """
        self.config = config or load_config(url=url, token=token, stream_url=stream_url)
        self.timeout = timeout
        self.retries = retries or Retries()
        self.headers = {"User-Agent": f"qmtl/{qmtl.__version__}", "Accept": "application/json"}
        if self.config.token:
            self.headers["Authorization"] = f"Bearer {self.config.token}"
        if actor:
            self.headers["X-Actor"] = actor
        self.known = KnownDocuments()

    @property
    def url(self) -> str:
        return self.config.url

    def request(self, http: httpx.Client | httpx.AsyncClient, ask: Ask) -> httpx.Request:
        call = ask.call
        headers = dict(ask.headers)
        if call.content is not None:
            headers["Content-Type"] = call.media_type
        timeout = call.timeout or self.timeout
        return http.build_request(
            call.method,
            self.url + call.path,
            params=httpx.QueryParams(call.params),
            headers=headers,
            content=call.content,
            timeout=httpx.Timeout(timeout, connect=min(timeout, CONNECT_TIMEOUT)),
        )

    def stream_from(self, told: str) -> str:
        """Where event streams are: as configured, else as the service says, else where it is itself.

        An address of this very machine, told by a service that is elsewhere, is not ours to ask.
        """
        if self.config.stream_url:
            return self.config.stream_url
        here = {"127.0.0.1", "localhost", "::1"}
        is_local = urlsplit(told).hostname in here and urlsplit(self.url).hostname not in here
        return told.rstrip("/") if told and not is_local else self.url


class Client(Endpoints, Connection, Blocking):
    """The service, for programs that wait. Safe to share between threads.

    >>> with Client("http://127.0.0.1:8000", token) as qmtl:
    ...     qmtl.world("alpha").state
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.http = httpx.Client(headers=self.headers, follow_redirects=False)

    def answer(self, call: Call[T] | Negotiated[T]) -> T:
        """Ask it, and again where that is safe. The methods of `Endpoints` come here."""
        return self.converse(answer_to(call, self.retries, self.known))

    def items(self, pages: Pages[T]) -> Iterator[T]:
        cursor: str | None = None
        while True:
            items, cursor = self.converse(page_of(pages, cursor, self.retries, self.known))
            yield from items
            if cursor is None:
                return

    def events(
        self, world_id: str, *, after: int = 0, patience: float | None = None, stop: Any = None
    ) -> Generator[Event, None, None]:
        """The world's events after a sequence as they happen, each once and in order, through failures.

        `patience`: seconds without the service after which Unreachable is raised (None: never). `stop`: a
        threading.Event that ends it within a second.
        """
        stream = EventStream(world_id, after=after, patience=patience, retries=self.retries)
        return follow(self, stream, stop=stop)

    def converse(self, conversation: Conversation[T]) -> T:
        reply: Reply = None
        while True:
            try:
                step = conversation.send(reply)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            reply = self.take(step)

    def take(self, step: Ask | Pause) -> Reply:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        try:
            return self.http.send(self.request(self.http, step))
        except httpx.HTTPError as error:
            return error

    def close(self) -> None:
        self.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(Endpoints, Connection, Waiting):
    """The service, for asyncio: the same methods, awaited; lists and events with `async for`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.http = httpx.AsyncClient(headers=self.headers, follow_redirects=False)

    async def answer_later(self, call: Call[T] | Negotiated[T]) -> T:
        return await self.converse(answer_to(call, self.retries, self.known))

    async def items_later(self, pages: Pages[T]) -> AsyncIterator[T]:
        cursor: str | None = None
        while True:
            items, cursor = await self.converse(page_of(pages, cursor, self.retries, self.known))
            for item in items:
                yield item
            if cursor is None:
                return

    def events(
        self, world_id: str, *, after: int = 0, patience: float | None = None
    ) -> AsyncGenerator[Event, None]:
        """As on `Client`; who leaves the loop closes it (`contextlib.aclosing`)."""
        return follow_later(self, EventStream(world_id, after=after, patience=patience, retries=self.retries))

    async def converse(self, conversation: Conversation[T]) -> T:
        reply: Reply = None
        while True:
            try:
                step = conversation.send(reply)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            reply = await self.take(step)

    async def take(self, step: Ask | Pause) -> Reply:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return None
        try:
            return await self.http.send(self.request(self.http, step))
        except httpx.HTTPError as error:
            return error

    async def close(self) -> None:
        await self.http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
