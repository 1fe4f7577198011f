"""How fast the metric kernel is, and how much memory it takes: python -m benchmarks.metric_kernel"""

from __future__ import annotations

import argparse
import os
import platform
import time
import tracemalloc
from pathlib import Path

import numpy as np

from qmtl.metrics import Panel, measure, pbo

PERIODS = 2_520
TARGET_SECONDS, TARGET_MEGABYTES, TARGET_SINGLE_SECONDS = 0.15, 200.0, 0.003


def main() -> None:
    """Print the figures of this machine and whether each target is met."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--repeats", type=int, default=7, help="the best of so many runs counts (default 7)")
    options.add_argument("--seed", type=int, default=1, help="of the random returns (default 1)")
    arguments = options.parse_args()
    print(machine())
    returns = np.random.default_rng(arguments.seed).standard_t(4, (10_000, PERIODS)) * 0.005
    np.clip(returns, -0.9, None, out=returns)
    report(returns, arguments.repeats)


def report(returns: Panel, repeats: int) -> None:
    """Measure panels of three sizes and a cohort's PBO, one line each."""
    thousand = best_seconds(returns[:1_000], repeats)
    memory = megabytes_above_input(returns[:1_000])
    print(line("1,000 x 2,520", thousand, TARGET_SECONDS, "s", 3))
    print(line("  memory above the input", memory, TARGET_MEGABYTES, "MB", 1))
    print(
        line("one strategy x 2,520", best_seconds(returns[:1], 50 * repeats), TARGET_SINGLE_SECONDS, "s", 5)
    )
    ten_thousand = best_seconds(returns, max(1, repeats // 2))
    print(line("10,000 x 2,520 (linear: ten times the first)", ten_thousand, 10 * TARGET_SECONDS, "s", 3))
    print(f"  ratio to 1,000 strategies {ten_thousand / thousand:.1f}")
    start = time.perf_counter()
    pbo(returns[:200])
    print(f"PBO of 200 x 2,520: {time.perf_counter() - start:.3f} s (no target)")


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


def line(what: str, value: float, target: float, unit: str, digits: int) -> str:
    """One figure with its target and whether it is met."""
    verdict = "met" if value <= target else "MISSED"
    return f"{what}: {value:.{digits}f} {unit}, target {target:g} {unit}: {verdict}"


def machine() -> str:
    """CPU model, cores and versions."""
    return (
        f"{cpu_model()}, {os.cpu_count()} cores, Python {platform.python_version()}, numpy {np.__version__}"
    )


def cpu_model() -> str:
    """The CPU's name as the kernel gives it, else the architecture."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = (text.partition(":")[2].strip() for text in lines if text.startswith("model name"))
    return next(names, platform.machine())


if __name__ == "__main__":
    main()
