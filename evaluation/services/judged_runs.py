"""Runs that were judged, batch by batch: what another policy would be asked about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from evaluation.domain.policy_diff import JudgedRun, judged_run
from evaluation.domain.record import Record
from evaluation.models import EvaluationRun
from evaluation.services.candidates import fetch
from evaluation.services.loading import load_records

BATCH = 500
"""Documents in memory at a time; with series of ten years a batch has about 30 MB."""

JUDGED = """
SELECT id FROM evaluation_evaluationrun
WHERE world_id = %(world)s AND evaluated_at > %(since)s AND evaluated_at <= %(until)s
ORDER BY evaluated_at DESC, id DESC LIMIT %(most)s
"""
DOCUMENTS = """
SELECT r.id, r.strategy_id, r.run_id, r.stage, d.document
FROM evaluation_evaluationrun r JOIN evaluation_runresult d ON d.run_id = r.id
WHERE r.id = ANY(%(runs)s)
"""


def judged_keys(world_id: str, *, since: datetime, until: datetime, most: int) -> list[int]:
    """Keys of the runs that were judged in that time, the newest first; results never change, so the keys will do."""
    return [row.id for row in fetch(JUDGED, world=world_id, since=since, until=until, most=most)]


def judged_runs(keys: Sequence[int], *, with_series: bool) -> Iterator[list[JudgedRun]]:
    """The runs in batches, in the order of the keys; their series only where a gate reads them."""
    for start in range(0, len(keys), BATCH):
        batch = keys[start : start + BATCH]
        rows = {row.id: row for row in fetch(DOCUMENTS, runs=list(batch))}
        records = records_of(rows) if with_series else {}
        yield [run_of(rows[key], records.get(key)) for key in batch if key in rows]


def run_of(row: Any, record: Record | None) -> JudgedRun:
    return judged_run(
        orjson.loads(row.document),
        strategy_id=row.strategy_id,
        run_id=row.run_id,
        stage=row.stage,
        record=record,
    )


def records_of(rows: Mapping[int, Any]) -> dict[int, Record]:
    """Series of those that gates are asked of; a lost one is left out, so that its figures are missing."""
    asked = [key for key, row in rows.items() if row.stage != EvaluationRun.Stage.BACKTEST]
    runs = EvaluationRun.objects.filter(pk__in=asked).select_related("input")
    return {key: found for key, found in load_records(list(runs)).items() if isinstance(found, Record)}
