"""Bodies that come in chunks are read like others, and bounded like others."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import Any

from qmtl_site.http.chunked import ChunkedBodies


def told(environ: dict[str, Any], _start: Any) -> Iterable[bytes]:
    return [str(environ.get("CONTENT_LENGTH")).encode(), environ["wsgi.input"].read()]


def request(body: bytes, **environ: Any) -> list[bytes]:
    given = {"wsgi.input": BytesIO(body), "wsgi.input_terminated": True, **environ}
    return list(ChunkedBodies(told, limit=10)(given, lambda *_: None))


def test_a_chunked_body_gets_its_length() -> None:
    assert request(b"{}", HTTP_TRANSFER_ENCODING="chunked") == [b"2", b"{}"]


def test_no_more_is_read_than_shows_that_it_is_too_much() -> None:
    assert request(b"x" * 50, HTTP_TRANSFER_ENCODING="Chunked") == [b"11", b"x" * 11]


def test_other_bodies_are_left_alone() -> None:
    assert request(b"{}", CONTENT_LENGTH="2") == [b"2", b"{}"]
