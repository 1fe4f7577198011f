"""HTTP of the stream process: events of a world, and what the platform asks of a process."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from qmtl_site.accounts.access import READ, check
from qmtl_site.accounts.authentication import Grant, digest_of_header
from qmtl_site.http.documents import dump, finished
from qmtl_site.http.refusals import Unauthenticated, Unavailable
from qmtl_site.outbox.asked import EVENT_STREAM, Asked, asked
from qmtl_site.outbox.events import page_of
from qmtl_site.stream.connection import connection_of
from qmtl_site.stream.entry import HEARTBEAT, OPENING, Entry
from qmtl_site.stream.gauges import stream_metrics
from qmtl_site.stream.reader import LOST, PAGE, Reader
from qmtl_site.stream.subscriber import Subscriber
from qmtl_site.stream.tailer import Tailer, tailer


async def world_events(request: HttpRequest, world_id: str) -> HttpResponseBase:
    """Events of a world after a sequence: as a stream, as a long poll, or as a page."""
    structlog.contextvars.bind_contextvars(world_id=world_id)
    at = tailer()
    try:
        digest = await admit(request, world_id, at.reader)
        wanted = asked(request.GET.dict(), request.headers)
        head = await at.reader.head(world_id)
        wanted.refuse_future(world_id, head)
        if request.method == "HEAD" and wanted.stays_open:
            return stream_response(nothing()) if wanted.as_stream else finished(b"")
        if wanted.as_stream:
            return open_stream(request, at, world_id, digest, wanted, head)
        return await answer_page(at, world_id, digest, wanted)
    except LOST:
        raise Unavailable("The database does not answer") from None


async def admit(request: Any, world_id: str, reader: Reader) -> str:
    """The digest of a token that may read the world; refused as everywhere else."""
    digest = digest_of_header(request.headers.get("Authorization", ""))
    row = await reader.who(world_id, digest)
    if row is None:
        raise Unauthenticated("The token is unknown, expired or revoked")
    user_id, username, is_superuser, _, world_exists, roles = row
    request.user = User(id=user_id, username=username, is_superuser=is_superuser)
    request.auth = Grant(digest, frozenset(roles), world_exists)
    check(READ, request)
    return digest


# --- pages and long polls -----------------------------------------------------------------------------------
async def answer_page(at: Tailer, world_id: str, digest: str, wanted: Asked) -> HttpResponse:
    entries = await at.reader.page(world_id, after=wanted.after, limit=wanted.limit)
    if not entries and wanted.wait:
        entries = await first_news(at, world_id, digest, wanted)
    following = entries[-1].sequence if entries else wanted.after
    response = finished(page_of([entry.document for entry in entries], following))
    response["Cache-Control"] = "no-store"
    return response


async def first_news(at: Tailer, world_id: str, digest: str, wanted: Asked) -> list[Entry]:
    """The events that come first within the time, or none. Whoever loses his right meanwhile is told so."""
    at.refuse_more_than(settings.STREAM_LIMIT)
    poller = Subscriber(
        stream=world_id, digest=digest, sent=wanted.after, room=settings.STREAM_QUEUE, streams=False
    )
    at.enter(poller)
    try:
        at.join(poller)
        # What was committed between the first look and the joining is found here; later news wake the poller.
        if missed := await at.reader.page(world_id, after=wanted.after, limit=wanted.limit):
            return missed
        async with asyncio.timeout(wanted.wait):
            entries = await poller.entries()
    except TimeoutError:
        return []
    finally:
        at.leave(poller)
    if poller.ended == "revoked":
        raise Unauthenticated("The token or the role was taken away")
    if poller.ended in {"database", "fault"}:
        raise Unavailable("The database does not answer")
    return entries[: wanted.limit]


# --- streams ------------------------------------------------------------------------------------------------
def open_stream(
    request: HttpRequest, at: Tailer, world_id: str, digest: str, wanted: Asked, head: int
) -> HttpResponseBase:
    at.refuse_more_than(settings.STREAM_LIMIT)
    connection = connection_of(request)
    subscriber = Subscriber(
        stream=world_id,
        digest=digest,
        sent=wanted.after,
        room=settings.STREAM_QUEUE,
        streams=True,
        holder=holder_of(request),
        abort=connection.abort,
    )
    connection.on_shutdown = lambda: subscriber.end("shutdown")
    return stream_response(chunks(at, subscriber, head))


def holder_of(request: HttpRequest) -> tuple[str, str] | None:
    """The gate client in whose name it is read; anybody else's lease is none of this stream's business."""
    client, secret = request.headers.get("X-Gate-Client"), request.headers.get("X-Lease-Secret")
    if not client or not secret:
        return None
    return client.replace("\0", ""), hashlib.sha256(secret.encode()).hexdigest()


def stream_response(content: AsyncIterator[bytes]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(content, content_type=EVENT_STREAM)
    response["Cache-Control"] = "no-store, no-transform"
    response["X-Accel-Buffering"] = "no"  # nginx would keep events back until a buffer is full
    return response


async def nothing() -> AsyncIterator[bytes]:
    return
    yield b""


async def chunks(at: Tailer, subscriber: Subscriber, head: int) -> AsyncIterator[bytes]:
    """The stream's bytes. While one is on its way `handed_at` tells since when."""
    at.enter(subscriber)
    try:
        async for chunk in content(at, subscriber, head):
            subscriber.handed_at = time.monotonic()
            yield chunk
            subscriber.handed_at = None
            subscriber.active_at = time.monotonic()
    except LOST:
        return  # the client resumes where it stands
    finally:
        at.leave(subscriber)


async def content(at: Tailer, subscriber: Subscriber, head: int) -> AsyncIterator[bytes]:
    """A long past is read before joining, at the client's own pace: its queue would overflow meanwhile."""
    yield OPENING
    if head - subscriber.sent > PAGE // 2:
        async for chunk in past(at.reader, subscriber):
            yield chunk
    at.join(subscriber)
    async for chunk in past(at.reader, subscriber):
        yield chunk
    while not subscriber.ended:
        entries = await subscriber.entries()
        if entries and entries[0].sequence != subscriber.sent + 1:
            # Cannot be, as the queue follows without gaps upon what was read; the database knows what is missing.
            async for chunk in past(at.reader, subscriber):
                yield chunk
        elif entries:
            subscriber.sent = entries[-1].sequence
            yield entries[0].frame if len(entries) == 1 else b"".join(entry.frame for entry in entries)
        elif subscriber.beat_is_due:
            yield HEARTBEAT
        subscriber.beat_is_due = False


async def past(reader: Reader, subscriber: Subscriber) -> AsyncIterator[bytes]:
    """What is committed after `sent`, page by page, as fast as the client takes it."""
    while not subscriber.ended:
        entries = await reader.page(subscriber.stream, after=subscriber.sent)
        if entries:
            subscriber.sent = entries[-1].sequence
            yield b"".join(entry.frame for entry in entries)
        if len(entries) < PAGE:
            return


# --- what the platform asks ---------------------------------------------------------------------------------
async def alive(request: HttpRequest) -> HttpResponse:
    return finished(dump({"status": "ok"}))


async def ready(request: HttpRequest) -> HttpResponse:
    """Ready when the database answers."""
    try:
        await tailer().reader.rows("SELECT 1 FROM ledger_ledger LIMIT 1", [])
        state = "ok"
    except LOST as error:
        state = f"down: {type(error).__name__}"
    up = state == "ok"
    response = finished(
        dump({"status": "ready" if up else "unavailable", "dependencies": {"database": state}}),
        status=200 if up else 503,
    )
    if not up:
        response["Retry-After"] = "5"
    return response


async def metrics(request: HttpRequest) -> HttpResponse:
    """This process's own figures; those of the database are on the web process's page."""
    body, content_type = stream_metrics(tailer())
    return HttpResponse(body, content_type=content_type)
