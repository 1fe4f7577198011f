"""What is kept of a judged run: its result, its snapshot and the files that the snapshot refers to."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q

from evaluation.domain.documents import (
    metrics_document,
    plain_snapshot_name,
    snapshot_document,
    snapshot_name,
)
from evaluation.domain.figures import Sheet
from evaluation.domain.judgement import Judgement
from evaluation.domain.record import Record, WorldTerms
from evaluation.models import EvaluationRun, RunResult, Snapshot
from evaluation.services.parquet import storage_refs
from qmtl_site.blobs.store import name_of
from qmtl_site.http.documents import dump
from strategies.models import Binding
from worlds.selectors import ActivePolicy


@dataclass(frozen=True)
class Judged:
    """One run with everything that is written of it."""

    run: EvaluationRun
    record: Record
    sheet: Sheet
    judgement: Judgement


@dataclass(frozen=True)
class Papers:
    """Rows and files of one judged run, not yet written."""

    result: RunResult
    snapshot: Snapshot
    files: list[bytes]


def snapshot_names(runs: Sequence[EvaluationRun]) -> dict[int, str]:
    """A free snapshot name for each run of one world; `a-b-c` can be the plain name of two of them."""
    world_id = runs[0].world_id
    keys = {run.pk: (world_id, run.strategy_id, run.run_id) for run in runs}
    plain = Counter(plain_snapshot_name(*key) for key in keys.values())
    held = Snapshot.objects.filter(world_id=world_id)
    taken = set(held.filter(name__in=plain).values_list("name", flat=True))
    if wanted_twice := taken | {name for name, count in plain.items() if count > 1}:
        longer = reduce(or_, (Q(name__startswith=f"{name}-") for name in wanted_twice))
        taken |= set(held.filter(longer).values_list("name", flat=True))
    names = {}
    for pk, key in keys.items():
        names[pk] = snapshot_name(*key, taken=taken)
        taken.add(names[pk])
    return names


def papers_of(
    item: Judged,
    snapshot_id: str,
    counters: Mapping[str, Any],
    placement: Mapping[str, Any] | None,
    terms: WorldTerms,
    now: datetime,
) -> Papers:
    run, judgement = item.run, item.judgement
    metrics = metrics_document(
        identity={"world_id": run.world_id, "strategy_id": run.strategy_id, "run_id": run.run_id},
        record=item.record,
        sheet=item.sheet,
        judgement=judgement,
        hysteresis=counters,
        placement=placement,
    )
    body = dump(metrics)
    files, refs = storage_refs(run.world_id, item.record, terms)
    envelope = dump(
        snapshot_document(
            name=snapshot_id,
            created_at=now,
            metrics=metrics,
            record=item.record,
            terms=terms,
            storage_refs=refs,
        )
    )
    result = RunResult(
        run=run,
        document=body,
        sha256=hashlib.sha256(body).hexdigest(),
        summary=dump(judgement.summary()).decode(),
        verdict=judgement.status,
        recommended_stage=judgement.recommended_stage,
        policy_version=judgement.policy_version,
        ruleset_hash=judgement.ruleset_hash or "",
        snapshot_name=snapshot_id,
        evaluated_at=now,
    )
    returns_file, pnl_file = (name_of(file) for file in files) if files else (None, None)
    snapshot = Snapshot(
        run=run,
        world_id=run.world_id,
        strategy_id=run.strategy_id,
        name=snapshot_id,
        document=envelope,
        sha256=hashlib.sha256(envelope).hexdigest(),
        returns_parquet_id=returns_file,
        pnl_parquet_id=pnl_file,
        created_at=now,
    )
    return Papers(result, snapshot, files)


def hysteresis(active: ActivePolicy | None, binding: Binding) -> dict[str, Any]:
    selection = active.policy.selection if active else None
    promote, demote = (
        (selection.hysteresis.promote_after, selection.hysteresis.demote_after) if selection else (None, None)
    )
    return {
        "promote_after": as_written(promote),
        "demote_after": as_written(demote),
        "consecutive_passes": binding.consecutive_passes,
        "consecutive_failures": binding.consecutive_failures,
    }


def as_written(value: Any) -> int | str | None:
    """A count stays a count, a duration is told as it was written."""
    return value if value is None or isinstance(value, int) else str(value)
