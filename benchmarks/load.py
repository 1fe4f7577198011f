"""Closed-loop HTTP load: wrk where it is installed, else a generator of our own with the standard library.

Both keep a number of connections busy, each with its next request as soon as it has the answer.
"""

from __future__ import annotations

import re
import selectors
import shutil
import socket
import statistics
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

WRK_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


@dataclass(frozen=True)
class Request:
    """A GET that is repeated, and the status that it must be answered with."""

    port: int
    path: str
    headers: Mapping[str, str]
    status: int = 200

    def bytes(self) -> bytes:
        lines = [f"GET {self.path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode()


@dataclass(frozen=True)
class Load:
    """What came of it. `errors`: broken connections, time-outs, and answers of another status."""

    per_second: float
    p50_ms: float
    p99_ms: float
    errors: int


def tool() -> str:
    return "wrk" if shutil.which("wrk") else "own"


def run(request: Request, *, seconds: int, connections: int, with_tool: str) -> Load:
    return (wrk if with_tool == "wrk" else own)(request, seconds=seconds, connections=connections)


# --- wrk ----------------------------------------------------------------------------------------------------
def wrk(request: Request, *, seconds: int, connections: int) -> Load:
    """wrk tells 2xx and 3xx from the rest only: the caller checks the status once by itself."""
    headers = [part for name, value in request.headers.items() for part in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "5s", "--latency", *headers]
    told = subprocess.run(
        [*command, f"http://127.0.0.1:{request.port}{request.path}"],
        check=True,
        capture_output=True,
        text=True,
        timeout=seconds + 60,
    ).stdout
    return Load(
        per_second=float(matched(r"Requests/sec:\s+([\d.]+)", told)),
        p50_ms=milliseconds(matched(r"(?m)^ +50% +(\S+)$", told)),
        p99_ms=milliseconds(matched(r"(?m)^ +99% +(\S+)$", told)),
        errors=sum(map(int, re.findall(r"(?:connect|read|write|timeout|responses:) (\d+)", told))),
    )


def matched(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise SystemExit(f"wrk said something else than expected:\n{text}")
    return found[1]


def milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)([a-z]+)", text).groups()  # type: ignore[union-attr]
    return float(number) * WRK_UNITS[unit]


# --- our own ------------------------------------------------------------------------------------------------
@dataclass
class Tally:
    latencies: list[float] = field(default_factory=list)
    errors: int = 0


class Connection:
    """One of the busy connections: sends, reads the answer, begins again; a new socket when the server closes."""

    def __init__(self, request: Request, selector: selectors.BaseSelector, tally: Tally) -> None:
        self.request, self.selector, self.tally = request, selector, tally
        self.raw = request.bytes()
        self.begin()

    def begin(self) -> None:
        self.answer = b""
        self.began = time.perf_counter()
        self.socket = socket.create_connection(("127.0.0.1", self.request.port), timeout=5)
        self.socket.sendall(self.raw)
        self.selector.register(self.socket, selectors.EVENT_READ, self)

    def read(self) -> None:
        try:
            data = self.socket.recv(262_144)
        except OSError:
            data = b""
        self.answer += data
        if not data or is_complete(self.answer):
            self.end()
            self.begin()

    def end(self) -> None:
        self.selector.unregister(self.socket)
        self.socket.close()
        self.tally.latencies.append(time.perf_counter() - self.began)
        if not (is_complete(self.answer) and self.answer[9:12] == str(self.request.status).encode()):
            self.tally.errors += 1


def is_complete(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    return length is None or len(body) >= int(length[1])


def own(request: Request, *, seconds: int, connections: int) -> Load:
    """One thread over all connections: about 40 microseconds of this process's time a request."""
    tally = Tally()
    began = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        busy = [Connection(request, selector, tally) for _ in range(connections)]
        while time.perf_counter() - began < seconds:
            ready = selector.select(timeout=1)
            for key, _ in ready:
                key.data.read()
        elapsed = time.perf_counter() - began
        for connection in busy:
            connection.socket.close()
    cuts = statistics.quantiles(tally.latencies, n=100) if len(tally.latencies) > 1 else [float("inf")] * 99
    return Load(len(tally.latencies) / elapsed, cuts[49] * 1e3, cuts[98] * 1e3, tally.errors)
