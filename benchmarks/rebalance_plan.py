"""How fast exact plans are, in process and over HTTP: python -m benchmarks.rebalance_plan"""

from __future__ import annotations

import argparse
import http.client
import random
import time
import tracemalloc
from collections.abc import Sequence
from contextlib import closing
from fractions import Fraction
from itertools import product
from statistics import median
from typing import Any

import numpy as np
import orjson

from benchmarks.machine import Figure, machine, table
from benchmarks.scene import Scene, scene
from rebalancing.domain.book import Book, coded_book
from rebalancing.domain.decimals import column
from rebalancing.domain.document import plan_document
from rebalancing.domain.names import Pairs, coded
from rebalancing.domain.plan import Plan, plan_book
from rebalancing.domain.terms import Terms

WORLDS, STRATEGIES, SYMBOLS, VENUES = 10, 100, 500, 3
SIZES = (1_000, 10_000, 100_000)
OVER_HTTP = 1_000
TARGET_MS, TARGET_MB, TARGET_P50_MS, TARGET_PER_SECOND = 300.0, 300.0, 6.0, 100.0


def main(arguments: Sequence[str] | None = None) -> list[Figure]:
    """Print the figures of this machine and whether each target is met."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.rebalance_plan", description=__doc__)
    options.add_argument("--repeats", type=int, default=5, help="the best of so many runs counts (default 5)")
    options.add_argument(
        "--requests", type=int, default=500, help="over HTTP, after 50 to warm up (default 500)"
    )
    chosen = options.parse_args(arguments)
    print(machine("numpy", "orjson", "django"), flush=True)
    figures = [figure for size in SIZES for figure in in_process(size, chosen.repeats)]
    with scene() as it, it.service("web"):
        for version in (1, 2):
            figures += over_http(it, chosen.requests, f"version {version}", request_of(version))
        figures += over_http(it, chosen.requests, "fractions of 1,000 strategies", of_strategies())
    print(table(figures))
    return figures


# --- in process -------------------------------------------------------------------------------------------
def in_process(size: int, repeats: int) -> list[Figure]:
    """From arrays to orders, netted across worlds, with every part of every order; then as a document."""
    arrays, asked = positions_as_arrays(size), terms()
    plans, documents = [], []
    for _ in range(repeats + 1):  # the first run warms up and does not count
        start = time.perf_counter()
        made = planned(asked, coded_book(*arrays))
        plans.append(time.perf_counter() - start)
        start = time.perf_counter()
        told = len(orjson.dumps(plan_document(made)))
        documents.append(time.perf_counter() - start)
    name = f"plan of {size:,} positions"
    largest = size == SIZES[-1]
    return [
        Figure(name, 1000 * min(plans[1:]), "ms", TARGET_MS if largest else None, digits=1),
        Figure(
            "  memory above the positions", peak_memory(asked, arrays), "MB", TARGET_MB if largest else None
        ),
        Figure("  its document", 1000 * min(documents[1:]), "ms", digits=1),
        Figure("  size of the document", told / 1e6, "MB", digits=1),
    ]


def planned(asked: Terms, book: Book) -> Plan:
    made = plan_book(asked, book)
    assert len(made.shares.row), "every order is attributed"
    assert made.cost.gross_turnover > 0
    return made


def peak_memory(asked: Terms, arrays: Any) -> float:
    tracemalloc.start()
    planned(asked, coded_book(*arrays))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def terms() -> Terms:
    """Every strategy with fractions of its own, so that no two scales are alike."""
    draws = random.Random(1)
    worlds = [f"w{number}" for number in range(WORLDS)]
    before = {
        w: {f"s{n:02}": Fraction(draws.randint(500, 1000), 10**6) for n in range(STRATEGIES)} for w in worlds
    }
    after = {
        w: {f"s{n:02}": Fraction(draws.randint(100, 800), 10**6) for n in range(STRATEGIES)} for w in worlds
    }
    return Terms(
        total_equity=Fraction(10**9),
        before=dict.fromkeys(worlds, Fraction(1, 10)),
        after=dict.fromkeys(worlds, Fraction(2, 25)),
        strategies_before=before,
        strategies_after=after,
        min_trade_notional=Fraction(100),
        lots={f"SYM{number:03}": Fraction(1, 100) for number in range(SYMBOLS // 2)},
        shared_account=True,
    )


def positions_as_arrays(size: int) -> tuple[Any, ...]:
    draws = np.random.default_rng(1)
    strategies = every_pair("w{}", WORLDS, "s{:02}", STRATEGIES)
    instruments = every_pair("venue{}", VENUES, "SYM{:03}", SYMBOLS)
    return (
        strategies,
        instruments,
        draws.integers(0, len(strategies), size),
        draws.integers(0, len(instruments), size),
        column(np.round(draws.normal(0, 100, size), 3).tolist()),
        column(np.round(draws.uniform(1, 500, size), 2).tolist()),
    )


def every_pair(first: str, firsts: int, second: str, seconds: int) -> Pairs:
    numbers = product(range(firsts), range(seconds))
    columns = zip(*((first.format(a), second.format(b)) for a, b in numbers), strict=True)
    return Pairs(*map(coded, columns))


# --- over HTTP --------------------------------------------------------------------------------------------
def over_http(it: Scene, requests: int, said: str, body: bytes) -> list[Figure]:
    """One client, one request after the other, each on a connection of its own as the service closes them. Where others
    share the machine, the p10 is what it takes without them.
    """
    seconds = []
    for number in range(requests + 50):
        start = time.perf_counter()
        post(it, body)
        if number >= 50:
            seconds.append(time.perf_counter() - start)
    ordered = sorted(seconds)
    name = f"POST /rebalancing/plan, {OVER_HTTP:,} positions, {said}"
    return [
        Figure(f"{name}: p10", 1000 * ordered[len(ordered) // 10], "ms", digits=1),
        Figure(f"{name}: p50", 1000 * median(ordered), "ms", TARGET_P50_MS, digits=1),
        Figure(f"{name}: p99", 1000 * ordered[int(0.99 * len(ordered))], "ms", digits=1),
        Figure(f"{name}: rate", len(ordered) / sum(ordered), "/s", TARGET_PER_SECOND, at_least=True),
        Figure(f"{name}: size of a request", len(body) / 1000, "kB"),
    ]


def post(it: Scene, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {it.admin.token}", "Content-Type": "application/json"}
    with closing(http.client.HTTPConnection("127.0.0.1", it.admin.port, timeout=30)) as link:
        link.request("POST", "/rebalancing/plan", body, headers)
        answer = link.getresponse()
        told = answer.read()
        assert answer.status == 200, told[:500]


def request_of(version: int) -> bytes:
    draws = random.Random(2)
    worlds = [f"w{number}" for number in range(WORLDS)]
    positions = [
        {
            "world_id": draws.choice(worlds),
            "strategy_id": f"s{draws.randrange(STRATEGIES):02}",
            "symbol": f"SYM{draws.randrange(SYMBOLS):03}",
            "venue": f"venue{draws.randrange(VENUES)}",
            "qty": round(draws.gauss(0, 100), 3),
            "mark": round(draws.uniform(1, 500), 2),
        }
        for _ in range(OVER_HTTP)
    ]
    return orjson.dumps(
        {
            "total_equity": 10**9,
            "world_alloc_before": dict.fromkeys(worlds, 0.1),
            "world_alloc_after": {world: draws.randint(50, 99) / 1000 for world in worlds},
            "positions": positions,
            "min_trade_notional": 100,
            "lot_size_by_symbol": {f"SYM{number:03}": 0.01 for number in range(SYMBOLS // 2)},
            "schema_version": version,
        }
    )


def of_strategies() -> bytes:
    """The same request with fractions of each world's strategies, before and after: no two scales are alike."""
    draws, asked = random.Random(3), orjson.loads(request_of(1))
    for name, most in (("strategy_alloc_before_total", 999), ("strategy_alloc_after_total", 490)):
        asked[name] = {
            world: {f"s{n:02}": draws.randint(100, most) / 10**6 for n in range(STRATEGIES)}
            for world in asked["world_alloc_before"]
        }
    return orjson.dumps(asked)


if __name__ == "__main__":
    main()
