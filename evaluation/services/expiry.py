"""Runs that end without a verdict, or whose verdict has been overtaken. Expiry never hides evidence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from evaluation.events import RunUpdated
from evaluation.models import EvaluationRun
from evaluation.services.runs import facts, told
from qmtl_site.audit.actor import Actor
from qmtl_site.database import update_rows
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import emit

BATCH = 500


@use_case
def expire_superseded(*, newer: Sequence[EvaluationRun], actor: Actor) -> int:
    """Expire the judged runs of the same binding and stage before each of `newer`; activated ones stay."""
    if not newer:
        return 0
    newest = {(run.world_id, run.strategy_id, run.stage): run for run in sorted(newer, key=lambda r: r.pk)}
    older = Q()
    for (world_id, strategy_id, stage), run in newest.items():
        older |= (
            Q(world_id=world_id, strategy_id=strategy_id, stage=stage)
            & ~Q(pk=run.pk)
            & (Q(evaluated_at__lt=run.evaluated_at) | Q(evaluated_at=run.evaluated_at, pk__lt=run.pk))
        )
    rows = EvaluationRun.objects.select_for_update(no_key=True).filter(
        older, status__in=["evaluated", "rejected"]
    )
    found = list(rows.order_by("id"))
    for run in found:
        by = newest[run.world_id, run.strategy_id, run.stage]
        expire(run, f"superseded by run {by.run_id}", actor)
    return save(found)


def expire_stale_runs(*, now: datetime | None = None) -> int:
    """Expire runs without progress for longer than the TTL; paused worlds wait with theirs."""
    total = 0
    while expired := expire_stale_batch(now=now or timezone.now()):
        total += expired
        if expired < BATCH:
            break
    return total


@use_case
def expire_stale_batch(*, now: datetime) -> int:
    since = now - settings.RUN_TTL
    # A world that was paused gives its runs their time anew: they could not make progress before.
    rows = EvaluationRun.objects.select_for_update(no_key=True, skip_locked=True, of=("self",)).filter(
        status__in=EvaluationRun.OPEN, updated_at__lt=since, world__state_since__lt=since
    )
    found = list(rows.exclude(world__state="PAUSED").order_by("updated_at")[:BATCH])
    for run in found:
        expire(run, f"no progress for {settings.RUN_TTL} in status {run.status}", Actor.service("expiry"))
    return save(found)


@use_case
def expire_open_runs(*, world_id: str, reason: str, actor: Actor) -> int:
    """Expire all runs of a world that will not be judged any more."""
    rows = EvaluationRun.objects.select_for_update(no_key=True).filter(
        world_id=world_id, status__in=EvaluationRun.OPEN
    )
    found = list(rows.order_by("id"))
    for run in found:
        expire(run, reason, actor)
    return save(found)


@use_case
def reject_runs(*, keys: Sequence[int], reason: str, actor: Actor) -> int:
    """Evaluated runs that were counted and found wanting: judged and not to be activated."""
    rows = EvaluationRun.objects.select_for_update(no_key=True).filter(pk__in=keys, status="evaluated")
    found = list(rows.order_by("id")) if keys else []
    for run in found:
        run.reject()
        run.status_reason = reason[:500]
        run.updated_at = timezone.now()
        told(run, actor, "run.reject", reason=reason)
        emit(RunUpdated(**facts(run), before="evaluated", reason=reason))
    return save(found)


def expire(run: EvaluationRun, reason: str, actor: Actor) -> None:
    before = run.status
    run.expire()
    run.status_reason = reason[:500]
    run.updated_at = timezone.now()
    told(run, actor, "run.expire", reason=reason)
    emit(RunUpdated(**facts(run), before=before, reason=reason))


def save(runs: Sequence[EvaluationRun]) -> int:
    if not runs:
        return 0
    update_rows(runs, ["status", "status_reason", "updated_at"])
    return len(runs)
