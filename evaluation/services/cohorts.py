"""What the service knows of a family: its trials, and the cohort for the probability of overfitting."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import structlog
from django.db.models import Count, Variance
from django.utils import timezone

from evaluation.domain.figures import FamilyTrials
from evaluation.domain.record import Record
from evaluation.models import CohortMember, EvaluationRun, Trial
from qmtl.metrics import common_panel, pbo, sharpe_per_period
from qmtl_site.blobs import store

log = structlog.get_logger(__name__)

COHORT_CAP = 200


def trial_key(run: EvaluationRun, record: Record) -> str:
    """A trial is one distinct code, data and outcome of a strategy; the same again, in any world, is no new one."""
    parts = (
        run.family_key,
        run.strategy_id,
        run.code_hash,
        str(record.meta.get("dataset_fingerprint") or ""),
        run.input.returns_id or run.input.request_hash,
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def note_trials(runs: Sequence[EvaluationRun], records: Sequence[Record]) -> list[FamilyTrials]:
    """Remember the backtests among the runs, then say for each run how many trials its family has had."""
    now = timezone.now()
    rows = {}
    for run, record in zip(runs, records, strict=True):
        if run.stage == EvaluationRun.Stage.BACKTEST:
            key = trial_key(run, record)
            rows[key] = Trial(
                key=key, family_key=run.family_key, sharpe_per_period=own_sharpe(record), first_seen_at=now
            )
    Trial.objects.bulk_create([rows[key] for key in sorted(rows)], ignore_conflicts=True)
    seen = {
        row["family_key"]: FamilyTrials(row["count"], row["variance"] if row["known"] >= 2 else None)
        for row in Trial.objects.filter(family_key__in={run.family_key for run in runs})
        .values("family_key")
        .annotate(
            count=Count("key"),
            known=Count("sharpe_per_period"),
            variance=Variance("sharpe_per_period", sample=True),
        )
    }
    return [seen.get(run.family_key, FamilyTrials(0, None)) for run in runs]


def own_sharpe(record: Record) -> float | None:
    if record.returns is None:
        return None
    sharpe = float(sharpe_per_period(record.returns[None, :])[0])
    return None if np.isnan(sharpe) else sharpe


def family_pbo(runs: Sequence[EvaluationRun], records: Sequence[Record]) -> list[float | None]:
    """PBO of each run's cohort: its family's newest backtest per member, the 200 newest, these runs included."""
    join_cohorts(runs)
    families = {
        run.family_key for run, record in zip(runs, records, strict=True) if record.returns is not None
    }
    members = cohort_members(families)
    try:
        blobs = series_of(row for rows in members.values() for row in rows)
        found = {family: cohort_pbo(rows, blobs) for family, rows in members.items()}
    except store.BlobCorrupt:
        found = {family: guarded_pbo(family, rows) for family, rows in members.items()}
    return [found.get(run.family_key) for run in runs]


def guarded_pbo(family: str, rows: Sequence[CohortMember]) -> float | None:
    """A member's lost series takes the figure from its family, not from the others, and the verdict from nobody."""
    try:
        return cohort_pbo(rows, series_of(rows))
    except store.BlobCorrupt as lost:
        log.error("cohort.series_lost", family=family, error=str(lost))
        return None


def series_of(members: Iterable[CohortMember]) -> Mapping[str, bytes]:
    return store.get_many(name for row in members for name in (row.times_id, row.returns_id))


def join_cohorts(runs: Sequence[EvaluationRun]) -> None:
    now = timezone.now()
    newest = {
        (run.family_key, run.strategy_id): CohortMember(
            family_key=run.family_key,
            strategy_id=run.strategy_id,
            times_id=run.input.times_id or "",
            returns_id=run.input.returns_id,
            evaluated_at=now,
        )
        for run in runs
        if run.stage == EvaluationRun.Stage.BACKTEST and run.input.returns_id
    }
    CohortMember.objects.bulk_create(
        [newest[key] for key in sorted(newest)],
        update_conflicts=True,
        unique_fields=["family_key", "strategy"],
        update_fields=["times", "returns", "evaluated_at"],
    )


# The newest of each family by its index: a family may have many thousand members.
NEWEST_MEMBERS = """
    SELECT m.* FROM unnest(%s::text[]) AS f (family_key) CROSS JOIN LATERAL (
        SELECT * FROM evaluation_cohortmember WHERE family_key = f.family_key
        ORDER BY evaluated_at DESC, id LIMIT %s
    ) m
"""


def cohort_members(families: set[str]) -> dict[str, list[CohortMember]]:
    found: dict[str, list[CohortMember]] = {family: [] for family in sorted(families)}
    for member in CohortMember.objects.raw(NEWEST_MEMBERS, [list(found), COHORT_CAP]):
        found[member.family_key].append(member)
    return found


def cohort_pbo(members: Sequence[CohortMember], blobs: Mapping[str, bytes]) -> float | None:
    if len(members) < 2:
        return None
    # Most members of a family stand on the same days: one array of them is aligned once.
    times = {name: store.integers(blobs[name]) for name in {m.times_id for m in members}}
    _, panel = common_panel([(times[m.times_id], store.floats(blobs[m.returns_id])) for m in members])
    return pbo(panel)
