"""Around every request: its id, its size limit, its log line."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from qmtl_site.http import refusals
from qmtl_site.http.problems import problem

log = structlog.get_logger("qmtl.request")

GOOD_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


class RequestEnvelope:
    """Gives the request an id (kept when the caller sent a good one), refuses bodies over the limit, logs one line.

    Its own few lines rather than django-structlog's middleware: that one logs twice a request and costs more
    than the whole read of a stored document (`benchmarks/http_reads.py`).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        request_id = self.request_id(request)
        request.request_id = request_id  # type: ignore[attr-defined]
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = self.answer(request)
        response["X-Request-ID"] = request_id
        if request.method == "HEAD":
            self.leave_out_body(response)
        self.write_line(request, response, time.perf_counter() - started)
        return response

    def answer(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not (length.isascii() and length.isdigit()):
            return problem(refusals.BadRequest("Content-Length is not a number"), request.request_id)  # type: ignore[attr-defined]
        if int(length) > settings.MAX_BODY_BYTES:
            limit = f"The body has {length} bytes; at most {settings.MAX_BODY_BYTES} are taken"
            return problem(refusals.TooLarge(limit), request.request_id)  # type: ignore[attr-defined]
        return self.get_response(request)

    @staticmethod
    def request_id(request: HttpRequest) -> str:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        return given if GOOD_REQUEST_ID.fullmatch(given) else uuid.uuid4().hex

    @staticmethod
    def leave_out_body(response: HttpResponse) -> None:
        """The headers stay those of GET. Django leaves this to the server, and gunicorn warns each time."""
        if not response.streaming:
            response.headers.setdefault("Content-Length", str(len(response.content)))
            response.content = b""

    @staticmethod
    def write_line(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
        # Reads that succeed are many and tell nothing that the proxy's access log does not.
        level = log.debug if request.method in {"GET", "HEAD"} and response.status_code < 400 else log.info
        level(
            "request",
            method=request.method,
            path=request.path,
            status=response.status_code,
            milliseconds=round(seconds * 1000, 1),
        )
