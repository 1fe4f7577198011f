"""How one talks to the service, without talking: retries, pages, negotiation, entity tags.

A conversation is a generator. It yields what to do next (`Ask` or `Pause`), is sent the reply, and returns the answer.
The blocking and the asyncio client differ only in how they do the two.
"""

from __future__ import annotations

import dataclasses
import json
import random
from collections import OrderedDict
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx

from qmtl.client.calls import Call, Negotiated, Pages
from qmtl.client.decoding import decode
from qmtl.client.errors import BadRequest, Invalid, Refused, UnexpectedAnswer, Unreachable, refusal_of

T = TypeVar("T")

WORTH_REPEATING = frozenset({429, 502, 503, 504})
NOTHING_WAS_DONE = frozenset({429})
"""Answers that say that the request was not even looked at: safe to repeat whatever it was."""


@dataclass(frozen=True)
class Ask:
    """Send this. The reply is the response, or the error that kept it from coming."""

    call: Call[Any]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Pause:
    """Wait so many seconds."""

    seconds: float


Step = Ask | Pause
Reply = httpx.Response | httpx.HTTPError | None
Conversation = Generator[Step, Reply, T]


@dataclass(frozen=True)
class Retries:
    """So many tries; between them `first` seconds, doubled each time up to `most`, by chance up to half less.

    The service's Retry-After is kept, unless it is longer than `patience`: then the refusal is told.
    """

    tries: int = 5
    first: float = 0.2
    most: float = 5.0
    patience: float = 30.0

    def pause(self, failures: int) -> float:
        return min(self.most, self.first * 2.0 ** (failures - 1)) * random.uniform(0.5, 1.0)  # noqa: S311


@dataclass
class KnownDocuments:
    """The bodies of the last documents with an entity tag, so that the service need not send them again."""

    room: int = 64
    bodies: OrderedDict[str, tuple[str, bytes]] = field(default_factory=OrderedDict)

    def tag(self, key: str) -> str | None:
        known = self.bodies.get(key)
        return known[0] if known else None

    def keep(self, key: str, tag: str, body: bytes) -> None:
        self.bodies[key] = (tag, body)
        self.bodies.move_to_end(key)
        while len(self.bodies) > self.room:
            self.bodies.popitem(last=False)


def answer_to(call: Call[T] | Negotiated[T], retries: Retries, known: KnownDocuments) -> Conversation[T]:
    """The typed answer. Raises what `qmtl.client.errors` has."""
    if isinstance(call, Negotiated):
        return (yield from newest_understood(call, retries, known))
    key = f"{call.path}?{call.params}"
    headers = dict(call.headers)
    if call.conditional and (tag := known.tag(key)):
        headers["If-None-Match"] = tag
    response = yield from response_to(call, headers, retries)
    body = response.content
    if response.status_code == 304 and key in known.bodies:
        _, body = known.bodies[key]
    elif call.conditional and (tag := response.headers.get("ETag")):
        known.keep(key, tag, body)
    if call.no_content:
        return None  # type: ignore[return-value]
    if call.binary:
        return body  # type: ignore[return-value]
    if call.text:
        return body.decode("utf-8", errors="replace")  # type: ignore[return-value]
    document = read_json(body, response)
    if isinstance(document, dict) and wants_etag(call.kind) and (tag := response.headers.get("ETag")):
        document.setdefault("etag", tag.removeprefix("W/").strip('"'))
    return decode(call.kind, document)  # type: ignore[no-any-return]


def wants_etag(kind: Any) -> bool:
    return dataclasses.is_dataclass(kind) and any(each.name == "etag" for each in dataclasses.fields(kind))


def newest_understood(wanted: Negotiated[T], retries: Retries, known: KnownDocuments) -> Conversation[T]:
    *newer, oldest = wanted.calls
    for call in newer:
        try:
            return (yield from answer_to(call, retries, known))
        except (BadRequest, Invalid):
            continue
    return (yield from answer_to(oldest, retries, known))


def page_of(
    pages: Pages[T], cursor: str | None, retries: Retries, known: KnownDocuments
) -> Conversation[tuple[list[T], str | None]]:
    """The items of one page, and the cursor of the next one."""
    document = yield from answer_to(pages.call.asking(cursor=cursor), retries, known)
    items = decode(list[pages.kind], document.get("items"), "/items")  # type: ignore[name-defined]
    following = document.get("next_cursor")
    return items, following if isinstance(following, str) else None


def response_to(
    call: Call[Any], headers: Mapping[str, str], retries: Retries
) -> Conversation[httpx.Response]:
    """A response that is no refusal, asked for as often as it is safe and of use."""
    tries = call.tries or retries.tries
    failures = 0
    while True:
        reply = yield Ask(call, headers)
        failures += 1
        error: Unreachable | Refused
        if isinstance(reply, httpx.Response):
            if reply.status_code < 400:
                return reply
            error = refusal(reply)
            again = reply.status_code in WORTH_REPEATING and (
                call.repeatable or reply.status_code in NOTHING_WAS_DONE
            )
        else:
            assert reply is not None
            error = unreachable(reply)
            # A connection that was never made carried nothing.
            again = call.repeatable or isinstance(reply, httpx.ConnectError | httpx.ConnectTimeout)
        wait = retries.pause(failures)
        if isinstance(error, Refused) and error.retry_after is not None:
            wait = max(wait, error.retry_after)
        if not again or failures >= tries or wait > retries.patience:
            raise error
        yield Pause(wait)


def refusal(response: httpx.Response) -> Refused:
    try:
        document = json.loads(response.content)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        text = response.text.strip()[:200]
        document = {"detail": f"HTTP {response.status_code} without a problem document: {text!r}"}
    return refusal_of(
        response.status_code, document, retry_after=seconds_of(response.headers.get("Retry-After"))
    )


def unreachable(error: httpx.HTTPError) -> Unreachable:
    try:
        at = f"{error.request.url.scheme}://{error.request.url.netloc.decode()}"
    except RuntimeError:
        at = "the service"
    if isinstance(error, httpx.TimeoutException):
        return Unreachable(f"{at} did not answer in time ({type(error).__name__})")
    return Unreachable(f"{at} cannot be reached: {error or type(error).__name__}")


def seconds_of(retry_after: str | None) -> float | None:
    """Retry-After in seconds, given as such or as a date."""
    if not retry_after:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) if moment.tzinfo else None


def read_json(body: bytes, response: httpx.Response) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        kind = response.headers.get("Content-Type", "nothing")
        raise UnexpectedAnswer(f"{response.request.url.path} answered {kind}, which is no JSON") from None
