"""gunicorn's worker, with problem documents for requests that never reach the application.

Django is not imported here: without --preload the process that watches the workers has no other use for it.
"""

from __future__ import annotations

import ctypes
import gc
import json
import socket
import uuid
from http import HTTPStatus
from typing import Any

from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.workers.sync import SyncWorker  # type: ignore[import-untyped]

CODES = {
    HTTPStatus.FORBIDDEN: "E_FORBIDDEN",
    HTTPStatus.REQUEST_URI_TOO_LONG: "E_TOO_LARGE",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "E_TOO_LARGE",
    HTTPStatus.INTERNAL_SERVER_ERROR: "E_INTERNAL",
}
OTHERS = "E_MALFORMED"
# New containers between two collections: a large request makes some thousands that all live until its answer.
GARBAGE_THRESHOLD = 20_000
MEBIBYTE = 1 << 20
# glibc's mallopt(3): (M_TRIM_THRESHOLD, free memory that is kept), (M_MMAP_THRESHOLD, pieces from this size are mapped).
KEEP_FREE_MEMORY = ((-1, 64 * MEBIBYTE), (-3, 32 * MEBIBYTE))


class ProblemWorker(SyncWorker):
    def init_process(self) -> None:
        """What is imported by now (--preload) stays for good: each full collection would walk through all of it."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(GARBAGE_THRESHOLD)
        keep_free_memory()
        super().init_process()

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """gunicorn logs the error and chooses the status; its page of HTML is replaced."""
        page = Page()
        super().handle_error(req, page, addr, exc)
        request_id = uuid.uuid4().hex
        self.log.info("Answered with status %s, request_id=%s", page.status, request_id)
        try:
            util.write_nonblock(client, answer(page.status, str(exc), request_id))
        except OSError:
            self.log.debug("The client is gone.")


def keep_free_memory() -> None:
    """Else a large request gives its memory back to the system, and the next one takes it anew page by page, which costs
    most in a virtual machine. Other C libraries than glibc are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in KEEP_FREE_MEMORY:
            mallopt(option, value)


class Page:
    """Stands in for the connection while gunicorn writes its page of HTML."""

    def __init__(self) -> None:
        self.status = HTTPStatus.INTERNAL_SERVER_ERROR

    def gettimeout(self) -> float:
        return 0.0

    def sendall(self, page: bytes) -> None:
        self.status = HTTPStatus(int(page.split(maxsplit=2)[1]))


def answer(status: HTTPStatus, detail: str, request_id: str) -> bytes:
    body = json.dumps(document(status, detail, request_id)).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        "Connection: close\r\n"
        "Content-Type: application/problem+json\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"X-Request-ID: {request_id}\r\n\r\n"
    )
    return head.encode() + body


def document(status: HTTPStatus, detail: str, request_id: str) -> dict[str, Any]:
    """The shape of `qmtl_site.http.problems.problem`. What failed inside is nobody's business."""
    code = CODES.get(status, OTHERS)
    return {
        "type": f"/docs/errors#{code.lower()}",
        "title": status.phrase,
        "status": status.value,
        "detail": status.phrase if status == HTTPStatus.INTERNAL_SERVER_ERROR else detail or status.phrase,
        "code": code,
        "error": code,
        "errors": [],
        "request_id": request_id,
    }
