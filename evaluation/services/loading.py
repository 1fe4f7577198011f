"""Everything that a batch of runs needs, with a handful of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from evaluation.domain.record import Record, WorldTerms
from evaluation.models import EvaluationRun, RunInput
from qmtl_site.blobs import store
from qmtl_site.blobs.store import BlobCorrupt
from worlds.models import World
from worlds.selectors import benchmark_of

SERIES = ("times_id", "returns_id", "equity_id", "benchmark_times_id", "benchmark_returns_id")


def world_terms(world: World) -> WorldTerms:
    benchmark = benchmark_of(world)
    return WorldTerms(
        periods_per_year=world.periods_per_year,
        risk_free_rate=world.risk_free_rate,
        reference_capital=float(world.reference_capital),
        reference_currency=world.reference_currency,
        benchmark_times=benchmark.times if benchmark else None,
        benchmark_returns=benchmark.returns if benchmark else None,
    )


def load_records(runs: Sequence[EvaluationRun]) -> dict[int, Record | BlobCorrupt]:
    """Record by run key; the reason instead where a series is lost or altered."""
    names = {name for run in runs for field in SERIES if (name := getattr(run.input, field)) is not None}
    try:
        blobs = store.get_many(names)
    except BlobCorrupt:
        return {run.pk: load_one(run) for run in runs}
    return {run.pk: record_of(run.stage, run.input, blobs) for run in runs}


def load_one(run: EvaluationRun) -> Record | BlobCorrupt:
    try:
        blobs = store.get_many(name for field in SERIES if (name := getattr(run.input, field)) is not None)
    except BlobCorrupt as lost:
        return lost
    return record_of(run.stage, run.input, blobs)


def record_of(stage: str, given: RunInput, blobs: Mapping[str, bytes]) -> Record:
    own_benchmark = None
    if given.benchmark_times_id and given.benchmark_returns_id:
        own_benchmark = (
            store.integers(blobs[given.benchmark_times_id]),
            store.floats(blobs[given.benchmark_returns_id]),
        )
    return Record(
        stage=stage,
        times=store.integers(blobs[given.times_id]) if given.times_id else None,
        returns=store.floats(blobs[given.returns_id]) if given.returns_id else None,
        equity=store.floats(blobs[given.equity_id]) if given.equity_id else None,
        told=orjson.loads(given.document),
        own_benchmark=own_benchmark,
    )
