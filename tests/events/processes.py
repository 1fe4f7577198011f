"""The stream process as the Procfile starts it, and a client of its streams that reads the wire by itself."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

import httpx
import orjson
from django.db import connections

from qmtl_site.launcher.places import PROJECT
from tests import nursery
from tests.ports import fresh_port
from tests.waiting import wait_for

COMMAND = re.search(r"^stream: (.*)", (PROJECT / "Procfile").read_text(), re.M)
PATIENCE = 15.0


def environment(**changes: str) -> dict[str, str]:
    """This test's database, in the application's role."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    url = urlunsplit(parts._replace(path="/" + connections["default"].settings_dict["NAME"]))
    return os.environ | {"DATABASE_URL": url, "DATABASE_OWNER_URL": url, **changes}


@contextmanager
def stream_process(port: int | None = None, **changes: str) -> Iterator[Served]:
    assert COMMAND
    port = port or fresh_port()
    process = nursery.start(COMMAND[1], environment(QMTL_STREAM_PORT=str(port), **changes))
    served = Served(port, process)
    try:
        wait_for(served.answers, 60)
        yield served
    finally:
        for stream in served.streams:
            stream.close()
        process.terminate()
        process.wait(timeout=20)


@dataclass
class Served:
    port: int
    process: nursery.Process
    streams: list[Stream] = field(default_factory=list)

    def answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def get(self, path: str, token: str | None, **headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", headers=sent, timeout=PATIENCE)

    def metric(self, line: str) -> float:
        """The value of one line of its metrics page."""
        page = httpx.get(f"http://127.0.0.1:{self.port}/metrics").text
        found = re.search(rf"^{re.escape(line)} (\S+)$", page, re.M)
        assert found, page
        return float(found[1])

    def stream(self, token: str, world: str = "alpha", **given: object) -> Stream:
        self.streams.append(Stream.connected(self.port, token, world, **given))  # type: ignore[arg-type]
        return self.streams[-1]


@dataclass
class Stream:
    """One open stream. Chunks of the transfer encoding are undone; comments are counted, not kept."""

    socket: socket.socket
    status: int = 0
    wire: bytes = b""
    text: bytes = b""
    comments: int = 0
    ended: bool = False
    ids: list[int] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    events: list[dict[str, object]] = field(default_factory=list)

    @classmethod
    def connected(
        cls,
        port: int,
        token: str,
        world: str,
        *,
        last: int | None = None,
        window: int | None = None,
        holder: tuple[str, str] | None = None,
    ) -> Stream:
        """`window`: a small receive buffer, so that what is not read soon stays with the server."""
        link = socket.socket()
        if window is not None:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        link.settimeout(PATIENCE)
        link.connect(("127.0.0.1", port))
        lines = [
            f"GET /worlds/{world}/events HTTP/1.1",
            "Host: 127.0.0.1",
            "Accept: text/event-stream",
            f"Authorization: Bearer {token}",
            *([] if last is None else [f"Last-Event-ID: {last}"]),
        ]
        lines += [f"X-Gate-Client: {holder[0]}", f"X-Lease-Secret: {holder[1]}"] if holder else []
        link.sendall("\r\n".join([*lines, "", ""]).encode())
        stream = cls(link)
        while b"\r\n\r\n" not in stream.wire:
            stream.wire += link.recv(65536)
        head, _, stream.wire = stream.wire.partition(b"\r\n\r\n")
        stream.status = int(head.split()[1])
        return stream

    def read(self, *, seconds: float = PATIENCE, until: Callable[[Stream], bool]) -> Stream:
        """Take what comes until it is as wanted, or the stream ends; AssertionError when neither is in time."""
        deadline = time.monotonic() + seconds
        self.take()
        while not self.ended and not until(self):
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                data = self.socket.recv(1 << 20)
            except TimeoutError:
                raise AssertionError(f"only {self.ids[-3:]} ({len(self.ids)}) came in time") from None
            except ConnectionResetError:
                data = b""
            self.ended = not data
            self.wire += data
            self.take()
        return self

    def read_to(self, sequence: int) -> Stream:
        return self.read(until=lambda stream: bool(stream.ids) and stream.ids[-1] >= sequence)

    def read_to_the_end(self, seconds: float = PATIENCE) -> Stream:
        return self.read(seconds=seconds, until=lambda stream: False)

    def take(self) -> None:
        while b"\r\n" in self.wire:
            size, _, rest = self.wire.partition(b"\r\n")
            length = int(size, 16)
            if len(rest) < length + 2:
                break
            self.text, self.wire = self.text + rest[:length], rest[length + 2 :]
            self.ended = self.ended or length == 0
        *whole, self.text = self.text.split(b"\n\n")
        for block in whole:
            self.keep(block)

    def keep(self, block: bytes) -> None:
        lines = [line.partition(b": ") for line in block.split(b"\n")]
        given = {name: value for name, _, value in lines if name}
        self.comments += sum(not name for name, _, _ in lines)
        if b"data" in given:
            self.ids.append(int(given[b"id"]))
            self.types.append(given[b"event"].decode())
            self.events.append(orjson.loads(given[b"data"]))

    def close(self) -> None:
        self.socket.close()
