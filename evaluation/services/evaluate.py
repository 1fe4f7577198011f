"""Judging what waits: all evaluating runs of a world in one go, as arrays, in one transaction.

Whoever gets here first takes the runs (`SKIP LOCKED`): the worker's task and the driver's net may both come,
late or twice, and each run is judged once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.utils import timezone

from evaluation.domain.documents import metrics_document, snapshot_document, snapshot_name
from evaluation.domain.figures import FamilyTrials, Sheet, lookup, sheets
from evaluation.domain.judgement import Judgement, failed_to_evaluate, judge
from evaluation.domain.record import Record, WorldTerms
from evaluation.domain.rules.rule import Case
from evaluation.events import RunUpdated
from evaluation.models import EvaluationRun, RunResult, Snapshot
from evaluation.services.cohorts import family_pbo, note_trials
from evaluation.services.expiry import expire_superseded
from evaluation.services.loading import load_records, world_terms
from evaluation.services.outcomes import move_bindings, record_figures
from evaluation.services.parquet import storage_refs
from evaluation.services.runs import facts, told
from qmtl_site.audit.actor import Actor
from qmtl_site.blobs.store import put_many
from qmtl_site.http.documents import dump
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import emit
from strategies.models import Binding
from strategies.services import locked_bindings
from worlds.models import World
from worlds.selectors import ActivePolicy, active_policy
from worlds.services import freeze_figures

log = structlog.get_logger(__name__)

BATCH = 256
NOT_EVALUATED_IN = ("PAUSED", "RETIRED")
EVALUATOR = Actor.service("evaluation")


@dataclass(frozen=True)
class Judged:
    """One run with everything that is written of it."""

    run: EvaluationRun
    record: Record
    sheet: Sheet
    judgement: Judgement


def worlds_waiting(*, since_before: datetime | None = None) -> list[str]:
    """Worlds with runs that wait to be judged (since before some moment)."""
    waiting = EvaluationRun.objects.filter(status="evaluating").exclude(world__state__in=NOT_EVALUATED_IN)
    if since_before is not None:
        waiting = waiting.filter(updated_at__lt=since_before)
    return sorted(set(waiting.values_list("world_id", flat=True).distinct()))


def evaluate_waiting(*, world_id: str) -> int:
    """Judge all waiting runs of a world; how many there were."""
    total = 0
    while judged := evaluate_batch(world_id=world_id):
        total += judged
        if judged < BATCH:
            break
    return total


@use_case
def evaluate_batch(*, world_id: str) -> int:
    world = World.objects.filter(pk=world_id).exclude(state__in=NOT_EVALUATED_IN).first()
    if world is None or not EvaluationRun.objects.filter(world_id=world_id, status="evaluating").exists():
        return 0
    if world.figures_frozen_at is None:
        # Before the runs: everybody locks the world first, then its runs, bindings, and the ledger last.
        freeze_figures(world_id=world_id)
    runs = claim(world_id)
    if not runs:
        return 0
    started = timezone.now()
    bindings = locked_bindings(world_id, sorted({run.strategy_id for run in runs}))
    active, terms = active_policy(world_id), world_terms(world)
    judged = judge_all(runs, terms, active)
    write(judged, bindings, terms, active, now=timezone.now())
    elapsed = (timezone.now() - started).total_seconds()
    log.info("runs.evaluated", world_id=world_id, runs=len(runs), seconds=round(elapsed, 3))
    return len(runs)


def claim(world_id: str) -> list[EvaluationRun]:
    rows = EvaluationRun.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
    waiting = rows.filter(world_id=world_id, status="evaluating").select_related("strategy", "input")
    return list(waiting.order_by("updated_at", "id")[:BATCH])


def judge_all(runs: Sequence[EvaluationRun], terms: WorldTerms, active: ActivePolicy | None) -> list[Judged]:
    """All at once; when that fails, one by one, so that a bad run fails alone."""
    loaded = load_records(runs)
    sound = [run for run in runs if isinstance(loaded[run.pk], Record)]
    judged = [failed(run, str(loaded[run.pk]), active) for run in runs if run not in sound]
    records = [record for run in sound if isinstance(record := loaded[run.pk], Record)]
    trials, pbo = note_trials(sound, records), family_pbo(sound, records)
    try:
        return judged + judge_together(sound, records, trials, pbo, terms, active)
    except Exception as error:
        log.warning("evaluation.batch_failed", error=f"{type(error).__name__}: {error}", runs=len(sound))
    for run, record, seen, overfit in zip(sound, records, trials, pbo, strict=True):
        try:
            judged += judge_together([run], [record], [seen], [overfit], terms, active)
        except Exception as error:
            log.exception("evaluation.run_failed", run_id=run.run_id)
            judged.append(failed(run, f"{type(error).__name__}: {error}", active, record))
    return judged


def judge_together(
    runs: Sequence[EvaluationRun],
    records: Sequence[Record],
    trials: Sequence[FamilyTrials],
    pbo: Sequence[float | None],
    terms: WorldTerms,
    active: ActivePolicy | None,
) -> list[Judged]:
    figures = sheets(records, terms=terms, trials=trials, pbo=pbo)
    return [
        Judged(run, record, sheet, judge_run(run, record, sheet, terms, active))
        for run, record, sheet in zip(runs, records, figures, strict=True)
    ]


def judge_run(
    run: EvaluationRun, record: Record, sheet: Sheet, terms: WorldTerms, active: ActivePolicy | None
) -> Judgement:
    case = Case(run.stage, sheet.flat(), sheet.missing, lambda name: lookup(name, record, sheet, terms))
    return judge(
        case,
        policy=active.policy if active else None,
        policy_version=active.version if active else None,
        from_returns=record.returns is not None,
    )


def failed(
    run: EvaluationRun, error: str, active: ActivePolicy | None, record: Record | None = None
) -> Judged:
    empty = Sheet({name: {} for name in ("returns", "pnl", "sample", "risk", "robustness")}, {}, {})
    version = active.version if active else None
    return Judged(
        run,
        record or Record(run.stage, None, None, None),
        empty,
        failed_to_evaluate(error, policy_version=version),
    )


def write(
    judged: Sequence[Judged],
    bindings: Mapping[str, Binding],
    terms: WorldTerms,
    active: ActivePolicy | None,
    *,
    now: datetime,
) -> None:
    """Results and snapshots first, then what moves: runs, bindings, latest figures, superseded runs."""
    taken = taken_names(judged)
    results, snapshots = [], []
    for item in judged:
        result, snapshot = evidence(item, bindings[item.run.strategy_id], terms, active, taken, now)
        results.append(result)
        snapshots.append(snapshot)
        taken.add(snapshot.name)
    RunResult.objects.bulk_create(results)
    Snapshot.objects.bulk_create(snapshots)
    for item in judged:
        finish(item, now)
    moved = ["status", "status_reason", "updated_at", "evaluated_at"]
    EvaluationRun.objects.bulk_update([item.run for item in judged], moved, batch_size=BATCH)
    outcomes = [(item.run, item.judgement, item.sheet) for item in judged]
    move_bindings(outcomes, bindings, actor=EVALUATOR)
    record_figures(outcomes, bindings)
    expire_superseded(newer=[item.run for item in judged], actor=EVALUATOR)


def taken_names(judged: Sequence[Judged]) -> set[str]:
    world_id = judged[0].run.world_id
    plain = [snapshot_name(world_id, item.run.strategy_id, item.run.run_id, taken=set()) for item in judged]
    return set(Snapshot.objects.filter(world_id=world_id, name__in=plain).values_list("name", flat=True))


def evidence(
    item: Judged,
    binding: Binding,
    terms: WorldTerms,
    active: ActivePolicy | None,
    taken: set[str],
    now: datetime,
) -> tuple[RunResult, Snapshot]:
    run, judgement = item.run, item.judgement
    identity = {"world_id": run.world_id, "strategy_id": run.strategy_id, "run_id": run.run_id}
    metrics = metrics_document(
        identity=identity,
        record=item.record,
        sheet=item.sheet,
        judgement=judgement,
        hysteresis=hysteresis(active, binding),
    )
    body = dump(metrics)
    name = snapshot_name(*identity.values(), taken=taken)
    files, refs = storage_refs(run.world_id, item.record, terms)
    parquet = put_many(files)
    envelope = dump(
        snapshot_document(
            name=name, created_at=now, metrics=metrics, record=item.record, terms=terms, storage_refs=refs
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
        snapshot_name=name,
        evaluated_at=now,
    )
    snapshot = Snapshot(
        run=run,
        world_id=run.world_id,
        strategy_id=run.strategy_id,
        name=name,
        document=envelope,
        sha256=hashlib.sha256(envelope).hexdigest(),
        returns_parquet_id=parquet[0] if parquet else None,
        pnl_parquet_id=parquet[1] if parquet else None,
        created_at=now,
    )
    return result, snapshot


def hysteresis(active: ActivePolicy | None, binding: Binding) -> dict[str, Any]:
    selection = active.policy.selection if active else None
    promote, demote = (
        (selection.hysteresis.promote_after, selection.hysteresis.demote_after) if selection else (None, None)
    )
    return {
        "promote_after": plain(promote),
        "demote_after": plain(demote),
        "consecutive_passes": binding.consecutive_passes,
        "consecutive_failures": binding.consecutive_failures,
    }


def plain(value: Any) -> int | str | None:
    """A count stays a count, a duration is told as it was written."""
    return value if value is None or isinstance(value, int) else str(value)


def finish(item: Judged, now: datetime) -> None:
    """evaluating -> evaluated, and a failed backtest at once -> rejected; each with its entry and event."""
    run, judgement = item.run, item.judgement
    run.evaluated_at = run.updated_at = now
    steps = [run.finish]
    if run.stage == EvaluationRun.Stage.BACKTEST and judgement.status == "fail":
        steps.append(run.reject)
    for step in steps:
        before = run.status
        step()
        told(
            run,
            EVALUATOR,
            f"run.{step.__name__}",
            verdict=judgement.status,
            ruleset_hash=judgement.ruleset_hash,
        )
        emit(
            RunUpdated(
                **facts(run),
                before=before,
                verdict=judgement.status,
                recommended_stage=judgement.recommended_stage,
            )
        )
