"""From a commit to the subscribers of its world: python -m benchmarks.event_streams

Use cases commit at a constant rate in a process of their own; the stream process serves all streams, one process
reads them. A latency is from when the commit returned to the writer to when the reader had the event's last byte, on one
clock. Whatever is lost, comes twice or out of order is counted.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks import world
from benchmarks.client import Client
from benchmarks.machine import Figure, machine, table
from benchmarks.scene import Scene, scene
from qmtl_site.launcher.places import PROJECT

P50_TARGET_MS, P99_TARGET_MS = 5.0, 50.0
SECONDS_FOR_THE_LAST = 30.0
IDS = re.compile(rb"^id: (\d+)$", re.M)


@dataclass
class Stream:
    """One open stream: what came when, and what did not come as it should."""

    link: socket.socket
    last: int
    rest: bytes = b""
    arrivals: list[tuple[int, float]] = field(default_factory=list)
    faults: int = 0

    def take(self) -> bool:
        """Read what is there; False at the end of the stream."""
        data = self.link.recv(1 << 18)
        now = time.monotonic()
        *whole, self.rest = (self.rest + data).split(b"\n\n")
        for block in whole:
            for found in IDS.findall(block):
                sequence = int(found)
                self.faults += sequence != self.last + 1
                self.last = sequence
                self.arrivals.append((sequence, now))
        return bool(data)


def main(arguments: Sequence[str] | None = None) -> list[Figure]:
    """Print the figures of this machine and whether each target is met."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.event_streams", description=__doc__)
    options.add_argument("--streams", type=int, nargs="+", default=[100, 1000], help="open at once")
    options.add_argument("--events", type=int, default=400, help="committed per case (default 400)")
    options.add_argument("--rate", type=float, default=20.0, help="commits a second (default 20)")
    options.add_argument("--write", metavar="WORLD", help=argparse.SUPPRESS)
    chosen = options.parse_args(arguments)
    if chosen.write:
        write(chosen.write, chosen.events, chosen.rate)
        return []
    allow_many_sockets()
    print(machine("django", "uvicorn", "uvloop", "psycopg"), flush=True)
    figures: list[Figure] = []
    with scene() as it, ExitStack() as services:
        services.enter_context(it.service("web"))
        process = services.enter_context(it.service("stream"))
        wait_for_port(it.address.stream_port)
        world.make_world(it.admin)
        for number in chosen.streams:
            figures += measured(it, number, chosen.events, chosen.rate)
            figures.append(Figure(f"{number} streams: memory of the process", resident(process), "MB"))
    print(table(figures))
    return figures


def measured(it: Scene, number: int, events: int, rate: float) -> Iterator[Figure]:
    head = newest(it.admin)
    began = time.monotonic()
    streams = [opened(it, head) for _ in range(number)]
    opened_in = time.monotonic() - began
    command = [sys.executable, "-m", "benchmarks.event_streams", "--write", world.WORLD]
    command += ["--events", str(events), "--rate", str(rate)]
    with subprocess.Popen(command, cwd=PROJECT, env=dict(it.environment), stdout=subprocess.PIPE) as writer:
        read_all(streams, head + events)
        if writer.poll():
            raise SystemExit("The writer failed")
        told = json.loads(writer.communicate(timeout=60)[0])
    for stream in streams:
        stream.link.close()
    return figures_of(number, streams, {int(key): value for key, value in told.items()}, opened_in)


def figures_of(
    number: int, streams: Sequence[Stream], committed: dict[int, float], opened_in: float
) -> Iterator[Figure]:
    late = [1000 * (at - committed[sequence]) for stream in streams for sequence, at in stream.arrivals]
    lost = len(committed) * number - len(late)
    name = f"{number} streams"
    yield Figure(f"{name}: events lost of {len(committed) * number:,}", lost, "", 0)
    yield Figure(f"{name}: twice or out of order", sum(stream.faults for stream in streams), "", 0)
    for percent, target in ((50, P50_TARGET_MS), (99, P99_TARGET_MS), (100, None)):
        what = "max" if percent == 100 else f"p{percent}"
        value = float(np.percentile(late, percent)) if late else float("inf")
        wanted = target if number <= 100 else None
        yield Figure(f"{name}: commit to subscriber, {what}", value, "ms", wanted, digits=1)
    yield Figure(f"{name}: all opened in", opened_in, "s", digits=2)


def read_all(streams: Sequence[Stream], last: int) -> None:
    """Until every stream has the last event, or nothing comes any more."""
    waiting = len(streams)
    with selectors.DefaultSelector() as selector:
        for stream in streams:
            selector.register(stream.link, selectors.EVENT_READ, stream)
        while waiting and (ready := selector.select(timeout=SECONDS_FOR_THE_LAST)):
            for key, _ in ready:
                if not key.data.take() or key.data.last >= last:
                    selector.unregister(key.fileobj)
                    waiting -= 1


def opened(it: Scene, head: int) -> Stream:
    link = socket.create_connection(("127.0.0.1", it.address.stream_port), timeout=30)
    lines = [
        f"GET /worlds/{world.WORLD}/events HTTP/1.1",
        "Host: 127.0.0.1",
        "Accept: text/event-stream",
        f"Authorization: Bearer {it.admin.token}",
        f"Last-Event-ID: {head}",
    ]
    link.sendall("\r\n".join([*lines, "", ""]).encode())
    answer = b""
    while b": open\n\n" not in answer:
        part = link.recv(4096)
        if not part:
            raise SystemExit(f"The stream did not open: {answer[:500]!r}\n{it.last_words()}")
        answer += part
    return Stream(link, head)


def newest(client: Client) -> int:
    """The newest sequence of the world."""
    after = 0
    while page := client.document(f"/worlds/{world.WORLD}/events?after={after}&limit=500"):
        if page["next"] == after:
            break
        after = page["next"]
    return after


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def allow_many_sockets() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def resident(process: int) -> float:
    """Megabytes of a process, where the kernel tells."""
    status = Path(f"/proc/{process}/status")
    found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) / 1024 if found else float("nan")


# --- the writer's process -----------------------------------------------------------------------------------
def write(world_id: str, events: int, rate: float) -> None:
    """Commit at a constant rate; print when each commit had returned, by sequence."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "qmtl_site.settings"
    django.setup()
    from qmtl_site.ledger.transactions import unit_of_change
    from qmtl_site.outbox.events import emit, head
    from worlds.events import WorldUpdated

    first = head(world_id)
    committed: dict[int, float] = {}
    began = time.monotonic() + 1.0
    for number in range(events):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        with unit_of_change():
            emit(WorldUpdated(world_id=world_id, fields=["name"]))
        committed[first + number + 1] = time.monotonic()
    print(json.dumps(committed))


if __name__ == "__main__":
    main()
