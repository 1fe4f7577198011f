"""How fast the metric kernel is, and how much memory it takes: python -m benchmarks.metric_kernel"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from collections.abc import Sequence

import numpy as np

from benchmarks.machine import Figure, machine, table
from qmtl.metrics import Panel, measure, pbo

PERIODS = 2_520
TARGET_SECONDS, TARGET_MEGABYTES, TARGET_SINGLE_SECONDS = 0.15, 200.0, 0.003


def main(arguments: Sequence[str] | None = None) -> list[Figure]:
    """Print the figures of this machine and whether each target is met."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.metric_kernel", description=__doc__)
    options.add_argument("--repeats", type=int, default=7, help="the best of so many runs counts (default 7)")
    options.add_argument("--seed", type=int, default=1, help="of the random returns (default 1)")
    chosen = options.parse_args(arguments)
    print(machine("numpy"), flush=True)
    returns = np.random.default_rng(chosen.seed).standard_t(4, (10_000, PERIODS)) * 0.005
    np.clip(returns, -0.9, None, out=returns)
    figures = measured(returns, chosen.repeats)
    print(table(figures))
    return figures


def measured(returns: Panel, repeats: int) -> list[Figure]:
    """Panels of three sizes and a cohort's PBO."""
    thousand = best_seconds(returns[:1_000], repeats)
    ten_thousand = best_seconds(returns, max(1, repeats // 2))
    return [
        Figure("all metrics, 1,000 x 2,520", thousand, "s", TARGET_SECONDS, digits=3),
        Figure("  memory above the input", megabytes_above_input(returns[:1_000]), "MB", TARGET_MEGABYTES),
        Figure(
            "all metrics, 1 x 2,520",
            best_seconds(returns[:1], 50 * repeats),
            "s",
            TARGET_SINGLE_SECONDS,
            digits=5,
        ),
        Figure("all metrics, 10,000 x 2,520", ten_thousand, "s", 10 * TARGET_SECONDS, digits=3),
        Figure("  ratio to 1,000 strategies", ten_thousand / thousand, "times", digits=1),
        Figure("PBO of 200 x 2,520", pbo_seconds(returns[:200], repeats), "s", digits=3),
    ]


def pbo_seconds(cohort: Panel, repeats: int) -> float:
    """Least time of several runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        pbo(cohort)
        times.append(time.perf_counter() - start)
    return min(times)


def best_seconds(panel: Panel, repeats: int) -> float:
    """Least time of several runs, after one to warm up."""
    measure(panel[: min(len(panel), 100)])
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        measure(panel)
        times.append(time.perf_counter() - start)
    return min(times)


def megabytes_above_input(panel: Panel) -> float:
    """Peak of what one run allocates, its results included."""
    tracemalloc.start()
    measure(panel)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


if __name__ == "__main__":
    main()
