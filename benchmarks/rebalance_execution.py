"""How long a very large execution takes, and its slowest request: python -m benchmarks.rebalance_execution"""

from __future__ import annotations

import argparse
import http.client
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import orjson

from benchmarks.machine import Figure, machine, table
from benchmarks.scene import Scene, scene

ORDERS = 100_000
TARGET_REQUEST_S = 30.0
WORLD, STRATEGY, RUN = "wide", "holder", "all-of-it"


def main(arguments: Sequence[str] | None = None) -> list[Figure]:
    """Print the figures of this machine and whether each target is met."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.rebalance_execution", description=__doc__)
    options.add_argument(
        "--orders", type=int, default=ORDERS, help=f"positions, each halved (default {ORDERS})"
    )
    chosen = options.parse_args(arguments)
    print(machine("django", "psycopg"), flush=True)
    with scene() as it, it.service("web"), it.service("worker"), it.service("beat"):
        figures = executed(it, chosen.orders)
    print(table(figures))
    return figures


def executed(it: Scene, orders: int) -> list[Figure]:
    """On paper: planned and recorded, begun by one request, finished by the worker."""
    prepare(it)
    apply, _, size = timed(it, "POST", "/rebalancing/apply", request_of(orders))
    begin, _, answer = timed(it, "POST", "/rebalancing/execute", orjson.dumps({"run_id": RUN}))
    started, page = time.perf_counter(), 0.0
    while True:
        seconds, told, _ = timed(it, "GET", f"/rebalancing/runs/{RUN}/orders?status=filled&limit=500")
        page = max(page, seconds)
        left = timed(it, "GET", f"/rebalancing/runs/{RUN}/orders?status=new&limit=1")[1]["items"]
        if told["items"] and not left:
            break
        time.sleep(1.0)
    whole = time.perf_counter() - started
    again, done, _ = timed(it, "POST", "/rebalancing/execute", orjson.dumps({"run_id": RUN}))
    assert done["status"] == "completed", done["status"]
    assert done["reconciliation"]["meets_plan"]
    return [
        Figure(f"POST /rebalancing/apply, {orders:,} positions", apply, "s", TARGET_REQUEST_S, digits=1),
        Figure("  size of the answer", size / 1e6, "MB", digits=1),
        Figure(f"POST /rebalancing/execute makes {orders:,} orders", begin, "s", TARGET_REQUEST_S, digits=1),
        Figure("  size of the answer", answer / 1e6, "MB", digits=1),
        Figure("the worker fills them", whole, "s", digits=1),
        Figure("  orders a second", orders / whole, "/s"),
        Figure("  slowest page of 500 orders meanwhile", page, "s", digits=2),
        Figure("POST /rebalancing/execute of what is completed", again, "s", TARGET_REQUEST_S, digits=1),
    ]


def prepare(it: Scene) -> None:
    """A strategy in dry run: it trades on paper."""
    for path, body in (
        ("/worlds", {"id": WORLD}),
        ("/strategies", {"id": STRATEGY}),
        (f"/worlds/{WORLD}/bindings", {"strategies": [STRATEGY]}),
    ):
        timed(it, "POST", path, orjson.dumps(body))


def request_of(orders: int) -> bytes:
    positions = [
        {"world_id": WORLD, "strategy_id": STRATEGY, "symbol": f"SYM{number:06}", "qty": 2, "mark": 10}
        for number in range(orders)
    ]
    return orjson.dumps(
        {
            "run_id": RUN,
            "total_equity": 10**8,
            "world_alloc_before": {WORLD: 0.5},
            "world_alloc_after": {WORLD: 0.25},
            "positions": positions,
        }
    )


def timed(it: Scene, method: str, path: str, body: bytes | None = None) -> tuple[float, Any, int]:
    """Seconds, the answer, and its size in bytes."""
    headers = {"Authorization": f"Bearer {it.admin.token}", "Content-Type": "application/json"}
    start = time.perf_counter()
    with closing(http.client.HTTPConnection("127.0.0.1", it.admin.port, timeout=120)) as link:
        link.request(method, path, body, headers)
        answer = link.getresponse()
        told = answer.read()
    assert answer.status < 300, told[:500]
    return time.perf_counter() - start, orjson.loads(told), len(told)


if __name__ == "__main__":
    main()
