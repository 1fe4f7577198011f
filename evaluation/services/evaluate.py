"""Judging what waits: all evaluating runs of a world in one go, as arrays, in one transaction.

Whoever gets here first takes the runs (`SKIP LOCKED`): the worker's task and the driver's net may both come,
late or twice, and each run is judged once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from django.utils import timezone

from evaluation.domain.columns import Columns
from evaluation.domain.figures import FamilyTrials, Sheet, sheets
from evaluation.domain.judgement import Judgement, failed_on_its_side, failed_to_evaluate, judge
from evaluation.domain.record import Record, WorldTerms
from evaluation.domain.rules.rule import Case
from evaluation.domain.told_error import error_words
from evaluation.events import RunUpdated
from evaluation.models import EvaluationRun, RunResult, Snapshot
from evaluation.services.cohorts import family_pbo, note_trials
from evaluation.services.expiry import expire_superseded
from evaluation.services.loading import load_records, world_terms
from evaluation.services.outcomes import record_figures, settle_bindings
from evaluation.services.papers import Judged, Papers, hysteresis, papers_of, snapshot_names
from evaluation.services.placing import placements
from evaluation.services.runs import facts, told
from qmtl_site.audit.actor import Actor
from qmtl_site.blobs.store import BlobCorrupt, put_many
from qmtl_site.database import update_rows
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
def evaluate_batch(*, world_id: str, only: Sequence[int] | None = None) -> int:
    """Judge some of the waiting runs of a world, or those of these keys; how many.

    The bindings are locked when the verdicts are there to be written: whoever applies, or halts, does not wait for
    figures to be computed.
    """
    world = World.objects.filter(pk=world_id).exclude(state__in=NOT_EVALUATED_IN).first()
    if world is None or not EvaluationRun.objects.filter(world_id=world_id, status="evaluating").exists():
        return 0
    if world.figures_frozen_at is None:
        # Before the runs: everybody locks the world first, then its runs, bindings, and the ledger last.
        freeze_figures(world_id=world_id)
        world.refresh_from_db()
    runs = claim(world_id, only)
    if not runs:
        return 0
    started = timezone.now()
    active, terms = active_policy(world_id), world_terms(world)
    judged = judge_all(runs, terms, active)
    now = timezone.now()
    placed = placements(world, active, terms, judged, now=now)
    bindings = locked_bindings(world_id, sorted({run.strategy_id for run in runs}))
    write(judged, bindings, placed, terms, active, now=now)
    elapsed = (timezone.now() - started).total_seconds()
    log.info("runs.evaluated", world_id=world_id, runs=len(runs), seconds=round(elapsed, 3))
    return len(runs)


def claim(world_id: str, only: Sequence[int] | None) -> list[EvaluationRun]:
    rows = EvaluationRun.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
    waiting = rows.filter(world_id=world_id, status="evaluating").select_related("strategy", "input")
    if only is not None:
        waiting = waiting.filter(pk__in=only)
    return list(waiting.order_by("updated_at", "id")[:BATCH])


def judge_all(runs: Sequence[EvaluationRun], terms: WorldTerms, active: ActivePolicy | None) -> list[Judged]:
    """All at once; when that fails, one by one, so that a bad run fails alone."""
    loaded = load_records(runs)
    judged = [item for run in runs if (item := without_record(run, loaded[run.pk], active)) is not None]
    settled = {item.run.pk for item in judged}
    sound = [run for run in runs if run.pk not in settled]
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


def without_record(
    run: EvaluationRun, found: Record | BlobCorrupt, active: ActivePolicy | None
) -> Judged | None:
    """The judgement of a run that there is nothing to measure of: its series are lost, or it brought an error."""
    if isinstance(found, BlobCorrupt):
        return failed(run, str(found), active)
    if found.error is None:
        return None
    version = active.version if active else None
    return Judged(run, found, no_figures(), failed_on_its_side(found.error, policy_version=version))


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
    figures = sheet.flat()
    case = Case(run.stage, figures, sheet.missing, Columns([record], [figures], terms))
    return judge(
        case,
        policy=active.policy if active else None,
        policy_version=active.version if active else None,
        from_returns=record.returns is not None,
    )


def failed(
    run: EvaluationRun, error: str, active: ActivePolicy | None, record: Record | None = None
) -> Judged:
    version = active.version if active else None
    return Judged(
        run,
        record or Record(run.stage, None, None, None),
        no_figures(),
        failed_to_evaluate(error, policy_version=version),
    )


def no_figures() -> Sheet:
    return Sheet({name: {} for name in ("returns", "pnl", "sample", "risk", "robustness")}, {}, {})


def write(
    judged: Sequence[Judged],
    bindings: Mapping[str, Binding],
    placed: Mapping[int, Mapping[str, Any]],
    terms: WorldTerms,
    active: ActivePolicy | None,
    *,
    now: datetime,
) -> None:
    """Results and snapshots first, then what moves: runs, bindings, latest figures, superseded runs."""
    judged, papers = draw_up(judged, bindings, placed, terms, active, now)
    put_many(file for paper in papers for file in paper.files)
    RunResult.objects.bulk_create([paper.result for paper in papers])
    Snapshot.objects.bulk_create([paper.snapshot for paper in papers])
    for item in judged:
        finish(item, now)
    moved = ["status", "status_reason", "updated_at", "evaluated_at"]
    update_rows([item.run for item in judged], moved)
    outcomes = [(item.run, item.judgement, item.sheet) for item in judged]
    settle_bindings(outcomes, bindings, actor=EVALUATOR)
    record_figures(outcomes, bindings)
    expire_superseded(newer=[item.run for item in judged], actor=EVALUATOR)


def draw_up(
    judged: Sequence[Judged],
    bindings: Mapping[str, Binding],
    placed: Mapping[int, Mapping[str, Any]],
    terms: WorldTerms,
    active: ActivePolicy | None,
    now: datetime,
) -> tuple[list[Judged], list[Papers]]:
    """The papers of each run; a run whose papers cannot be drawn up fails alone."""
    names = snapshot_names([item.run for item in judged])
    items, papers = [], []
    for item in judged:
        counters = hysteresis(active, bindings[item.run.strategy_id])
        name = names[item.run.pk]
        try:
            paper = papers_of(item, name, counters, placed.get(item.run.pk), terms, now)
        except Exception as error:
            log.exception("evaluation.papers_failed", run_id=item.run.run_id)
            item = failed(item.run, f"{type(error).__name__}: {error}", active)
            paper = papers_of(item, name, counters, None, terms, now)
        items.append(item)
        papers.append(paper)
    return items, papers


def finish(item: Judged, now: datetime) -> None:
    """evaluating -> evaluated, and a failed backtest at once -> rejected; each with its entry and event."""
    run, judgement = item.run, item.judgement
    run.evaluated_at = run.updated_at = now
    run.status_reason = "" if judgement.error is None else error_words(judgement.error)
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
                reason=run.status_reason,
                verdict=judgement.status,
                recommended_stage=judgement.recommended_stage,
            )
        )
