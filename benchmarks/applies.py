"""How long an apply takes that many gates and their holders take part in: python -m benchmarks.applies

An operator's plan over HTTP: half of its changes open gates, half close those that the plan before it opened. Clients in
a process of their own hold the gates, read the world's stream and acknowledge each phase as it comes. A time is
from when the plan was sent to when a reader of the stream had the word that it is completed.
"""

from __future__ import annotations

import argparse
import http.client
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks import stored_world
from benchmarks.client import Client
from benchmarks.event_streams import wait_for_port
from benchmarks.machine import Figure, machine, table
from benchmarks.scene import Scene, scene
from qmtl_site.launcher.places import PROJECT

WORLD = "gated"
P50_TARGET_SECONDS, P99_TARGET_SECONDS = 0.5, 2.0
SECONDS_TO_COMPLETE = 60.0
ACKNOWLEDGED = frozenset({"freeze", "unfreeze"})


def main(arguments: Sequence[str] | None = None) -> list[Figure]:
    """Print the figures of this machine and whether each target is met."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.applies", description=__doc__)
    options.add_argument("--changes", type=int, default=100, help="of gates in each plan (default 100)")
    options.add_argument("--clients", type=int, default=10, help="that hold and acknowledge (default 10)")
    options.add_argument("--applies", type=int, default=30, help="one after the other (default 30)")
    options.add_argument("--hold", nargs=3, metavar=("PORT", "STREAM", "TOKEN"), help=argparse.SUPPRESS)
    chosen = options.parse_args(arguments)
    opened = chosen.changes // 2
    names = [f"{WORLD}-{n}" for n in range(opened * (chosen.applies + 1))]
    if chosen.hold:
        port, stream, token = chosen.hold
        hold(Client(int(port), token), int(stream), names, chosen.clients)
        return []
    print(machine("django", "gunicorn", "uvicorn", "psycopg"), flush=True)
    with scene() as it, it.service("web"), it.service("stream"), it.service("driver"):
        wait_for_port(it.address.stream_port)
        stored_world.use(it)
        policy = {**stored_world.POLICY, "selection": {"gates": "sharpe >= 0", "score": "sharpe"}}
        stored_world.make(it, WORLD, strategies=len(names), periods=252, policy=policy, mean=0.005)
        it.admin.make(f"/worlds/{WORLD}/evaluate", {})
        figures = measured(
            it, names, opened, chosen.clients, sys.argv[1:] if arguments is None else arguments
        )
    print(table(figures))
    return figures


def measured(
    it: Scene, names: Sequence[str], opened: int, clients: int, arguments: Sequence[str]
) -> list[Figure]:
    command = [sys.executable, "-m", "benchmarks.applies", *arguments]
    command += ["--hold", str(it.address.port), str(it.address.stream_port), it.admin.token]
    groups = [names[n : n + opened] for n in range(0, len(names), opened)]
    with subprocess.Popen(command, cwd=PROJECT, env=dict(it.environment), stdout=subprocess.PIPE) as holders:
        try:
            assert holders.stdout is not None
            holders.stdout.readline()
            ends: queue.SimpleQueue[tuple[str, str, float]] = queue.SimpleQueue()
            threading.Thread(target=observe, args=(it, ends), daemon=True).start()
            apply(it, ends, "first", groups[0], [])
            times = [
                apply(it, ends, f"plan-{number}", after, before)
                for number, (before, after) in enumerate(pairwise(groups))
            ]
        finally:
            holders.terminate()
    name = f"apply of {2 * opened} changes, {clients} clients"
    return [
        Figure(f"{name}, p50", float(np.percentile(times, 50)), "s", P50_TARGET_SECONDS, digits=2),
        Figure(f"{name}, p99", float(np.percentile(times, 99)), "s", P99_TARGET_SECONDS, digits=2),
    ]


def apply(
    it: Scene,
    ends: queue.SimpleQueue[tuple[str, str, float]],
    run_id: str,
    opens: Sequence[str],
    closes: Sequence[str],
) -> float:
    """Seconds until it was completed; the benchmark ends where it was not."""
    sent = time.monotonic()
    plan = {"activate": [{"strategy_id": name, "weight": 0.01} for name in opens], "deactivate": list(closes)}
    it.admin.make(f"/worlds/{WORLD}/apply", {"run_id": run_id, "plan": plan, "reason": "measured"})
    ended, phase, at = ends.get(timeout=SECONDS_TO_COMPLETE)
    applied = it.admin.document(f"/worlds/{WORLD}/applies/{run_id}")
    if (ended, phase, len(applied["acks"]) > 0, applied["waiting_for"]) != (run_id, "completed", True, []):
        raise SystemExit(f"{run_id} ended {phase}: {applied['outcome']}\n{it.last_words()}")
    return at - sent


def observe(it: Scene, ends: queue.SimpleQueue[tuple[str, str, float]]) -> None:
    for event in phases(it.address.stream_port, it.admin.token, 0):
        if event["data"]["after"] in {"completed", "rolled_back"}:
            ends.put((event["data"]["run_id"], event["data"]["after"], time.monotonic()))


def phases(port: int, token: str, after: int) -> Iterator[dict[str, Any]]:
    """The changes of phase that the world's stream tells after a sequence."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_TO_COMPLETE)) as link:
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        link.request("GET", f"/worlds/{WORLD}/events", headers=headers | {"Last-Event-ID": str(after)})
        answer = link.getresponse()
        rest = b""
        while read := answer.read1():
            *lines, rest = (rest + read).split(b"\n")
            for line in lines:
                if line.startswith(b"data:") and b'"apply.phase_changed"' in line:
                    yield json.loads(line[5:])


# --- the holders' process ---------------------------------------------------------------------------------
def hold(api: Client, stream: int, names: Sequence[str], clients: int) -> None:
    """Hold the gates, as many each; acknowledge until somebody ends this process."""
    threads = []
    for number in range(clients):
        name = f"holder-{number}"
        document = {"client_id": name, "strategies": [{"id": each} for each in names[number::clients]]}
        lease = api.make(f"/worlds/{WORLD}/gates", document)
        secret = str(lease["lease_secret"])
        threads.append(
            threading.Thread(target=acknowledge, args=(api, stream, lease["sequence"], name, secret))
        )
        threads.append(threading.Thread(target=renew, args=(api, name, secret, lease["lease_seconds"] / 3)))
    for thread in threads:
        thread.start()
    print("held", flush=True)


def renew(api: Client, name: str, secret: str, seconds: float) -> None:
    while True:
        time.sleep(seconds)
        api.make(f"/worlds/{WORLD}/gates/{name}/heartbeat", {"lease_secret": secret})


def acknowledge(api: Client, stream: int, after: int, name: str, secret: str) -> None:
    for event in phases(stream, api.token, after):
        told = event["data"]
        if told["after"] in ACKNOWLEDGED and told["activate"]:
            word = {"client_id": name, "lease_secret": secret, "phase": told["after"]}
            word |= {"sequence": event["sequence"], "epoch": told["epoch"]}
            answer = api.call(
                "POST", f"/worlds/{WORLD}/applies/{told['run_id']}/acks", json.dumps(word).encode()
            )
            if answer.status >= 400:
                print(f"{name} was refused: {answer.body!r}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
