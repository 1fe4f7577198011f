"""Calls as values: what to ask, how to read the answer, and whether asking twice is safe."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from string import Formatter
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from qmtl.client.errors import BadInput

T = TypeVar("T")

JSON = "application/json"
IDEMPOTENCY_KEY = "Idempotency-Key"


@dataclass(frozen=True, kw_only=True)
class Call(Generic[T]):
    """One request. `kind` is the type of its answer; `repeatable`: sent twice it does what it does once."""

    method: str
    template: str
    names: Mapping[str, Any] = field(default_factory=dict)
    kind: Any = None
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    media_type: str = JSON
    repeatable: bool = False
    conditional: bool = False
    timeout: float | None = None
    tries: int | None = None
    binary: bool = False
    text: bool = False
    no_content: bool = False

    @property
    def path(self) -> str:
        """The path with the ids in it, each quoted. BadInput for one that is empty or would be another path."""
        filled = {}
        for name in [name for _, name, _, _ in Formatter().parse(self.template) if name]:
            text = str(self.names[name])
            if not text or text in {".", ".."}:
                raise BadInput(f"{name} is {text!r}, which names nothing")
            filled[name] = quote(text, safe="")
        return self.template.format(**filled)

    @property
    def params(self) -> dict[str, str]:
        return {name: written(value) for name, value in self.query.items() if value is not None}

    def asking(self, **query: Any) -> Call[T]:
        return replace(self, query={**self.query, **query})

    def within(self, seconds: float, *, tries: int) -> Call[T]:
        """Answered in that time, and tried so often."""
        return replace(self, timeout=seconds, tries=tries)


@dataclass(frozen=True)
class Pages(Generic[T]):
    """A list that comes in pages, read item by item as far as somebody looks."""

    call: Call[Any]
    kind: Any


@dataclass(frozen=True)
class Negotiated(Generic[T]):
    """The same request by schema version, the newest first: the next is asked where one is refused as unreadable."""

    calls: Sequence[Call[T]]


# --- the words in which endpoints are described ---------------------------------------------------------------
def get(template: str, kind: Any, *, query: Mapping[str, Any] | None = None, **names: Any) -> Call[Any]:
    return Call(method="GET", template=template, names=names, kind=kind, query=query or {}, repeatable=True)


def read_once(template: str, kind: Any, **names: Any) -> Call[Any]:
    """A document that does not change, or says by its ETag that it did: known ones are not sent again."""
    return replace(get(template, kind, **names), conditional=True)


def text(template: str, *, query: Mapping[str, Any] | None = None, **names: Any) -> Call[str]:
    """A document to be read, not decoded."""
    return replace(get(template, str, query=query, **names), text=True)


def listed(template: str, kind: Any, *, query: Mapping[str, Any] | None = None, **names: Any) -> Pages[Any]:
    return Pages(get(template, dict[str, Any], query=query, **names), kind)


def send(
    method: str,
    template: str,
    kind: Any,
    *,
    body: Any = None,
    content: bytes | None = None,
    media_type: str = JSON,
    query: Mapping[str, Any] | None = None,
    repeatable: bool = False,
    key: bool = False,
    if_match: str | None = None,
    no_content: bool = False,
    **names: Any,
) -> Call[Any]:
    """A call that changes something. `key`: made repeatable by an Idempotency-Key of its own."""
    headers = {}
    if key:
        headers[IDEMPOTENCY_KEY] = str(uuid.uuid4())
    if if_match is not None:
        headers["If-Match"] = if_match if if_match == "*" else '"' + if_match.strip('"') + '"'
    return Call(
        method=method,
        template=template,
        names=names,
        kind=kind,
        query=query or {},
        headers=headers,
        content=content if content is not None else None if body is None else encoded(body),
        media_type=media_type,
        repeatable=repeatable or key,
        no_content=no_content,
    )


def given(**fields: Any) -> dict[str, Any]:
    """The fields that were given."""
    return {name: value for name, value in fields.items() if value is not None}


def encoded(body: Any) -> bytes:
    """JSON of a body. BadInput for what JSON has no word for."""
    try:
        text = json.dumps(
            body, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=plain, skipkeys=False
        )
    except (TypeError, ValueError) as error:
        place = next(unsound(body), "")
        raise BadInput(f"The request cannot be written as JSON{place}: {error}") from None
    return text.encode()


def plain(value: Any) -> Any:
    """Values that JSON does not know: Decimals as exact text, times in UTC, arrays as lists."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return written(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is nothing that JSON knows")


def unsound(value: Any, at: str = "") -> Iterator[str]:
    """Where numbers stand that are not finite."""
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):
        yield f" (at {at}: {value})"
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from unsound(each, f"{at}/{name}")
    elif isinstance(value, list | tuple):
        for place, each in enumerate(value):
            yield from unsound(each, f"{at}/{place}")


def written(value: Any) -> str:
    """A value as query parameters and bodies say it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)
