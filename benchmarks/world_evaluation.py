"""How long it takes to evaluate a stored world: python -m benchmarks.world_evaluation

In a process like a worker's for many bindings, and over HTTP from one client for ten.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from statistics import median

import pytest

from benchmarks import stored_world
from benchmarks.machine import Figure, machine, table
from benchmarks.scene import Scene, scene
from tests.statements import counted_statements

TARGET_SECONDS, TARGET_QUERIES, TARGET_PER_SECOND = 2.0, 40, 60.0


def main(arguments: Sequence[str] | None = None) -> list[Figure]:
    """Print the figures of this machine and whether each target is met."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.world_evaluation", description=__doc__)
    options.add_argument("--bindings", type=int, default=1_000, help="of the large world (default 1000)")
    options.add_argument("--periods", type=int, default=2_520, help="of each record (default 2520)")
    options.add_argument("--stored-runs", type=int, default=10_000, help="beside the ten (default 10000)")
    options.add_argument("--seconds", type=int, default=10, help="of requests (default 10)")
    chosen = options.parse_args(arguments)
    print(machine("django", "psycopg", "numpy"), flush=True)
    with scene() as it, it.service("web"):
        stored_world.use(it)
        figures = [
            *over_http(it, chosen.stored_runs, chosen.seconds),
            *large_world(it, chosen.bindings, chosen.periods),
        ]
    print(table(figures))
    return figures


def large_world(it: Scene, bindings: int, periods: int) -> list[Figure]:
    from evaluation.services import evaluate_world
    from qmtl_site.audit.actor import Actor

    stored_world.make(it, "large", strategies=bindings, periods=periods)
    actor = Actor.service("benchmark")
    first = seconds_of(lambda: evaluate_world(world_id="large", actor=actor))
    again = median(seconds_of(lambda: evaluate_world(world_id="large", actor=actor)) for _ in range(3))
    with pytest.MonkeyPatch.context() as patch:
        queries = counted_statements(patch)
        evaluate_world(world_id="large", actor=actor)
    name = f"evaluate {bindings:,} bindings x {periods:,}"
    return [
        Figure(f"{name}, counters move", first, "s", TARGET_SECONDS, digits=2),
        Figure(f"{name}, nothing new", again, "s", TARGET_SECONDS, digits=2),
        Figure("  queries", len(queries), "", TARGET_QUERIES),
    ]


def over_http(it: Scene, stored_runs: int, seconds: int) -> list[Figure]:
    """One client, ten candidates; then the same with many more stored runs of theirs."""
    stored_world.make(it, "ten", strategies=10, periods=252)
    few = rate(it, seconds)
    names = [f"ten-{n}" for n in range(10)]
    for number in range(stored_runs // 10):
        stored_world.submit("ten", names, 30, run_id=f"more-{number}")
    stored_world.submit("ten", names, 252, run_id="last")
    many = rate(it, seconds)
    return [
        Figure("POST evaluate, 10 candidates, one client", few, "/s", TARGET_PER_SECOND, at_least=True),
        Figure(f"  with {stored_runs:,} stored runs", many, "/s", TARGET_PER_SECOND, at_least=True),
    ]


def rate(it: Scene, seconds: int) -> float:
    """Requests a second on one kept connection's worth of client: one after the other."""
    it.admin.make("/worlds/ten/evaluate", {})
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        it.admin.make("/worlds/ten/evaluate", {})
        count += 1
    return count / (time.perf_counter() - start)


def seconds_of(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
