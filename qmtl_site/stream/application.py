"""Django's ASGI handler with nothing around a request that would take a thread for as long as it stays open.

The site's middleware is made for the web process: under ASGI Django would run each of its parts in a thread, and
the synchronous ones would keep that thread while a long poll waits.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from io import BytesIO
from typing import Any

import structlog
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponseBase
from django.middleware.security import SecurityMiddleware

from qmtl_site.http.middleware import RequestEnvelope
from qmtl_site.http.problems import problem, refusal_of
from qmtl_site.http.refusals import MethodNotAllowed

Answer = Callable[[HttpRequest], Awaitable[HttpResponseBase]]
LARGEST_BODY = 64 * 1024


class StreamApplication(ASGIHandler):
    def __init__(self) -> None:
        allow_many_sockets()
        super().__init__()

    def load_middleware(self, is_async: bool = False) -> None:
        """In the place of the setting MIDDLEWARE: one layer, and Django's security headers inside it."""
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        self._middleware_chain = StreamEnvelope(self._get_response_async)  # type: ignore[attr-defined]

    async def read_body(self, receive: Any) -> Any:
        """Nothing here takes a body: what comes is left out, and a large one ends the connection."""
        size = 0
        while True:
            message = await receive()
            size += len(message.get("body", b""))
            if message["type"] == "http.disconnect" or size > LARGEST_BODY:
                raise RequestAborted
            if not message.get("more_body", False):
                return BytesIO()


class StreamEnvelope:
    """The request's id, its method, its refusals as documents, its log line."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.security = SecurityMiddleware(lambda request: None)  # type: ignore[arg-type]

    async def __call__(self, request: Any) -> HttpResponseBase:
        started = time.perf_counter()
        request.request_id = RequestEnvelope.request_id(request)
        request.urlconf = "qmtl_site.stream.urls"
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request.request_id)
        response: Any = await self.guarded(request)
        response["X-Request-ID"] = request.request_id
        RequestEnvelope.write_line(request, response, time.perf_counter() - started)
        return response

    async def guarded(self, request: Any) -> Any:
        try:
            request.get_host()  # refuses hosts that are not ours
            if redirect := self.security.process_request(request):
                return redirect
            if request.method not in {"GET", "HEAD"}:
                raise MethodNotAllowed(f"{request.method} is not allowed here")
            response = await self.answer(request)
        except Exception as error:
            response = problem(refusal_of(error), request.request_id)
        return self.security.process_response(request, response)  # type: ignore[arg-type]


def allow_many_sockets() -> None:
    """Each stream is a file of this process; the usual limit of 1,024 is lower than what one process serves."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
