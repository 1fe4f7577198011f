"""ETags: strong ones for immutable documents, revision counters for rows that change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse

from qmtl_site.http.documents import JSON, finished
from qmtl_site.http.refusals import PreconditionFailed


def tags(header: str) -> set[str]:
    """The entity tags of If-Match or If-None-Match, without weakness marks."""
    return {tag.strip().removeprefix("W/").strip('"') for tag in header.split(",") if tag.strip()}


def strong_tags(header: str) -> set[str]:
    """Those of If-Match, where a weak one matches nothing (RFC 9110, 13.1.1)."""
    return tags(",".join(tag for tag in header.split(",") if not tag.strip().startswith("W/")))


def require_match(headers: Mapping[str, str], current: str) -> None:
    """PreconditionFailed when If-Match is given and names neither the current tag nor `*`."""
    given = headers.get("If-Match")
    if given is not None and not strong_tags(given) & {current, "*"}:
        raise PreconditionFailed(f'The current ETag is "{current}"', current_etag=current)


def is_known(request: Any, etag: str) -> bool:
    """Whether the caller has the current document: If-None-Match names its tag, or `*`."""
    given = request.META.get("HTTP_IF_NONE_MATCH")
    return given is not None and bool(tags(given) & {etag, "*"})


def immutable(
    request: HttpRequest, body: bytes | Callable[[], bytes], etag: str, *, media_type: str = JSON
) -> HttpResponse:
    """A document that never changes, by its own id: strong ETag, cached for ever, 304 when the caller has it.

    A body that has yet to be fetched is given as a function; a 304 does not call it.
    """
    if is_known(request, etag):
        response = finished(b"", status=304, media_type=media_type)
    else:
        response = finished(body() if callable(body) else body, media_type=media_type)
    response["ETag"] = f'"{etag}"'
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    return response
