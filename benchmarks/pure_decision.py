"""How fast the pure decision is, its explanations included: python -m benchmarks.pure_decision"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np
import orjson

from benchmarks.machine import Figure, machine, table
from evaluation.domain.candidates import Candidate, Evidence, Situation
from evaluation.domain.decision import decide, decision_document
from evaluation.domain.record import Record, WorldTerms
from qmtl.metrics import measure
from worlds.domain.policy import policy_from_document

PERIODS = 252
TARGET_SECONDS = 0.25
DAY_MS = 86_400_000
TIMES = (np.arange(PERIODS) * DAY_MS + 1_600_000_000_000).astype(np.int64)
POLICY = {
    "version": 1,
    "validation_profiles": {
        "paper": {"performance": {"sharpe_min": 0.0, "max_dd_max": 0.6, "gain_to_pain_min": None}}
    },
    "selection": {
        "gates": "sharpe >= 0.5 and total_return > 0",
        "score": "sharpe",
        "correlation": {"max": 0.6, "window": None},
        "exposure": {},
        "top_k": {"k": 50},
        "weights": {"method": "inverse_volatility"},
    },
}


def main(arguments: Sequence[str] | None = None) -> list[Figure]:
    """Print the figures of this machine and whether each target is met."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.pure_decision", description=__doc__)
    options.add_argument("--repeats", type=int, default=5, help="the best of so many runs counts (default 5)")
    options.add_argument("--candidates", type=int, default=10_000, help="default 10000")
    chosen = options.parse_args(arguments)
    print(machine("numpy", "scipy"), flush=True)
    figures = measured(situation(), candidates(chosen.candidates), chosen.repeats)
    print(table(figures))
    return figures


def situation() -> Situation:
    terms = WorldTerms(252.0, 0.0, 10_000.0, "USD")
    now = int(TIMES[-1]) + 1
    return Situation("w", policy_from_document(POLICY), 1, terms, now=now, slot=now, allow_live=True)


def candidates(count: int) -> list[Candidate]:
    """Records that share a market factor, more or less of it; every five hundredth is live."""
    draws = np.random.default_rng(1)
    market = draws.normal(0, 0.005, PERIODS)
    panel = draws.normal(0.0005, 0.01, (count, PERIODS)) + market * draws.uniform(0, 3, (count, 1))
    columns = {name: column.tolist() for name, column in measure(panel).columns.items()}
    return [
        Candidate(
            strategy_id=f"s{i:05d}",
            family=f"family:{i % 40}",
            side="long",
            state="live" if i % 500 == 0 else "dry_run",
            state_since=0,
            evidence=Evidence(
                f"r{i}",
                "paper",
                0,
                Record("paper", TIMES, panel[i], None),
                {name: None if np.isnan(values[i]) else values[i] for name, values in columns.items()},
                {},
            ),
        )
        for i in range(count)
    ]


def measured(about: Situation, given: Sequence[Candidate], repeats: int) -> list[Figure]:
    """The decision with its traces, and then its document."""
    deciding, documents = [], []
    for _ in range(repeats + 1):  # the first run warms up and does not count
        start = time.perf_counter()
        made = decide(about, given)
        deciding.append(time.perf_counter() - start)
        start = time.perf_counter()
        told = decision_document(made, decision_id="d", ruleset_hash="", inputs_hash="", dry_run=False)
        size = len(orjson.dumps(told))
        documents.append(time.perf_counter() - start)
    name = f"decision about {len(given):,} x {PERIODS}, top 50, correlation"
    return [
        Figure(name, min(deciding[1:]), "s", TARGET_SECONDS if len(given) == 10_000 else None, digits=3),
        Figure("  its document", min(documents[1:]), "s", digits=3),
        Figure("  size of the document", size / 1e6, "MB", digits=1),
    ]


if __name__ == "__main__":
    main()
