"""What is counted of applies, of who holds gates, and of modes that are lowered where they are read."""

from __future__ import annotations

from collections.abc import Iterable

from qmtl_site.metrics.tallies import TallyCounter, TallyHistogram
from strategies.domain.modes import Effective

PHASE_MS = TallyHistogram(
    "apply_phase_duration_ms",
    "How long applies were in each phase, in milliseconds.",
    ("phase",),
    (5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000),
)
ACK_SECONDS = TallyHistogram(
    "apply_ack_latency_seconds",
    "From the beginning of a phase to the acknowledgement of a gate client.",
    ("phase",),
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
STALE_ACKS = TallyCounter("qmtl_stale_acks_refused", "Acknowledgements refused as stale.", ("world_id",))
CACHE_HITS = TallyCounter(
    "cross_context_cache_hit", "Reads of caches of another context, as runners report them.", ("world_id",)
)
DOWNGRADES = TallyCounter(
    "strategy_compute_context_downgrade", "Modes that were lowered for an answer, by reason.", ("reason",)
)


def count_lowered(modes: Iterable[Effective]) -> None:
    for mode in modes:
        if mode.lowered_by is not None:
            DOWNGRADES.count(mode.lowered_by)
