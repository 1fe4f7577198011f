"""The network connection under a request: what ASGI does not let an application do with it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.http import HttpRequest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from qmtl_site.http.problems import problem
from qmtl_site.http.refusals import BadRequest
from qmtl_site.stream.subscriber import leave_it

KEY = "qmtl.connection"
# What the kernel may hold for one client. Left to itself it takes up to 4 MiB for each that reads slowly.
SEND_BUFFER_BYTES = 128 * 1024


class Connection:
    """`abort` cuts it without waiting for a client that takes nothing; `on_shutdown` is called when the process
    is asked to stop."""

    def __init__(self, abort: Callable[[], Any] = leave_it) -> None:
        self.abort = abort
        self.on_shutdown: Callable[[], Any] = leave_it


def connection_of(request: HttpRequest) -> Connection:
    """Under another server than `StreamProtocol`'s one that can do nothing."""
    found = getattr(request, "scope", {}).get("extensions", {}).get(KEY)
    return found if isinstance(found, Connection) else Connection()


class StreamProtocol(HttpToolsProtocol):
    """uvicorn's protocol; `--http qmtl_site.stream.connection:StreamProtocol`."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.here = Connection(transport.abort)
        raw: socket.socket | None = transport.get_extra_info("socket")
        if raw is not None:
            with suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.here.on_shutdown = leave_it
        self.scope["extensions"] = {KEY: self.here}  # type: ignore[dict-item]

    def shutdown(self) -> None:
        super().shutdown()
        self.here.on_shutdown()

    def send_400_response(self, msg: str) -> None:
        """What is not HTTP is refused like everything else: with a document."""
        response = problem(BadRequest(msg), "")
        head = f"HTTP/1.1 400 Bad Request\r\nContent-Type: {response['Content-Type']}\r\n"
        head += f"Content-Length: {len(response.content)}\r\nConnection: close\r\n\r\n"
        self.transport.write(head.encode("ascii") + response.content)
        self.transport.close()
