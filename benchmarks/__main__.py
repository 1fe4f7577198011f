"""All measurements, one after the other, with one table at the end: python -m benchmarks

The settings are short ones, about four minutes in all; `--long` takes those that README.md quotes.
"""

from __future__ import annotations

import argparse

from benchmarks import (
    applies,
    event_streams,
    http_reads,
    metric_kernel,
    policy_impact,
    pure_decision,
    rebalance_execution,
    rebalance_plan,
    sdk_speed,
    submission_latency,
    world_evaluation,
)
from benchmarks.machine import Figure, table

PARTS = (
    metric_kernel,
    pure_decision,
    http_reads,
    submission_latency,
    world_evaluation,
    policy_impact,
    event_streams,
    rebalance_plan,
    rebalance_execution,
    sdk_speed,
    applies,
)
SHORT = {
    metric_kernel: ["--repeats", "3"],
    http_reads: ["--seconds", "3", "--rounds", "3"],
    submission_latency: ["--seconds", "20"],
    pure_decision: ["--repeats", "3"],
    world_evaluation: ["--bindings", "200", "--stored-runs", "1000", "--seconds", "5"],
    policy_impact: ["--runs", "2000"],
    event_streams: ["--events", "100"],
    rebalance_plan: ["--repeats", "3", "--requests", "300"],
    rebalance_execution: ["--orders", "10000"],
    sdk_speed: ["--submissions", "2"],
    applies: ["--applies", "10"],
}


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    options.add_argument("--long", action="store_true", help="each part with its own default settings")
    chosen = options.parse_args()
    figures: list[Figure] = []
    for part in PARTS:
        name = part.__name__.rpartition(".")[2]
        print(f"\n--- {name} ---", flush=True)
        figures += part.main([] if chosen.long else SHORT[part])
    missed = sum(figure.verdict == "MISSED" for figure in figures)
    print(f"\n--- all ({missed} of the targets missed) ---\n{table(figures)}")


if __name__ == "__main__":
    main()
