"""Reads of runs through the ORM: lists and single ones."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from evaluation.models import EvaluationRun, RunRevision, Snapshot
from qmtl_site.http.refusals import NotFound
from strategies.domain.modes import effective_mode, is_stale
from strategies.models import Binding

ACTIVATION_STATES = {"activated": "active", "rejected": "rejected", "expired": "expired"}


def runs_of(world_id: str, strategy_id: str) -> QuerySet[EvaluationRun]:
    """Runs of a binding with what their document needs, in one query (results without their bytes)."""
    binding_state = Binding.objects.filter(world=OuterRef("world"), strategy=OuterRef("strategy")).values(
        "state"
    )
    return (
        EvaluationRun.objects.filter(world_id=world_id, strategy_id=strategy_id)
        .select_related("world", "result")
        .defer("result__document")
        .annotate(binding_state=Subquery(binding_state))
    )


def get_run(world_id: str, strategy_id: str, run_id: str, *, stage: str | None = None) -> EvaluationRun:
    """A run by its id; `latest` is the newest of the binding (of one stage)."""
    found = picked(runs_of(world_id, strategy_id), run_id, stage)
    if found is None:
        raise no_run(world_id, strategy_id, run_id)
    return found


def picked(rows: QuerySet[EvaluationRun], run_id: str, stage: str | None) -> EvaluationRun | None:
    """Of a binding's runs the one that the id names."""
    if run_id != "latest":
        return rows.filter(run_id=run_id).first()
    if stage:
        rows = rows.filter(stage=stage)
    return rows.order_by("-created_at", "-id").first()


def no_run(world_id: str, strategy_id: str, run_id: str) -> NotFound:
    return NotFound(f"Strategy {strategy_id!r} has no run {run_id!r} in {world_id}")


def run_links(
    world_id: str, strategy_id: str, run_id: str, snapshot_name: str | None
) -> dict[str, str | None]:
    """Where the run, its metrics, snapshot and history are; metrics and snapshot once there is a result."""
    run = f"/worlds/{world_id}/strategies/{strategy_id}/runs/{run_id}"
    return {
        "self": run,
        "metrics": f"{run}/metrics" if snapshot_name else None,
        "snapshot": f"/worlds/{world_id}/snapshots/{snapshot_name}" if snapshot_name else None,
        "history": f"{run}/history",
    }


def run_document(run: EvaluationRun) -> dict[str, Any]:
    result = getattr(run, "result", None)
    return run_shape(
        world_id=run.world_id,
        strategy_id=run.strategy_id,
        run_id=run.run_id,
        stage=run.stage,
        status=run.status,
        status_reason=run.status_reason,
        phase=run.phase,
        created_at=run.created_at,
        updated_at=run.updated_at,
        evaluated_at=run.evaluated_at,
        mode=effective_mode(
            binding_state=getattr(run, "binding_state", None) or "",
            world_state=run.world.state,
            allow_live=run.world.allow_live,
            circuit_breaker=run.world.circuit_breaker,
            stale=is_stale(run.world.decision_stale_at, timezone.now()),
        ).mode,
        summary=orjson.loads(result.summary) if result else None,
        snapshot_name=result.snapshot_name if result else None,
    )


def run_shape(
    *,
    world_id: str,
    strategy_id: str,
    run_id: str,
    stage: str,
    status: str,
    status_reason: str,
    phase: str | None,
    created_at: datetime,
    updated_at: datetime,
    evaluated_at: datetime | None,
    mode: str,
    summary: Any,
    snapshot_name: str | None,
) -> dict[str, Any]:
    return {
        "world_id": world_id,
        "strategy_id": strategy_id,
        "run_id": run_id,
        "stage": stage,
        "status": status,
        "status_reason": status_reason,
        "phase": phase,
        "created_at": created_at,
        "updated_at": updated_at,
        "evaluated_at": evaluated_at,
        "effective_mode": mode,
        "activation_state": ACTIVATION_STATES.get(status, "pending"),
        "summary": summary,
        "links": run_links(world_id, strategy_id, run_id, snapshot_name),
    }


def history_document(run: EvaluationRun) -> dict[str, Any]:
    return {"run_id": run.run_id, "items": revisions_of(run)}


def revisions_of(run: EvaluationRun) -> list[dict[str, Any]]:
    """What became known of it later, the oldest first."""
    return [
        {
            "revision": revision.revision,
            "kind": revision.kind,
            "author": revision.author,
            "created_at": revision.created_at,
            "document": orjson.loads(revision.document),
        }
        for revision in RunRevision.objects.filter(run=run).order_by("revision")
    ]


def snapshots_of(world_id: str) -> QuerySet[Snapshot]:
    return Snapshot.objects.filter(world_id=world_id).select_related("run").defer("document")


def snapshot_summary(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "snapshot_id": snapshot.name,
        "strategy_id": snapshot.strategy_id,
        "run_id": snapshot.run.run_id,
        "created_at": snapshot.created_at,
        "sha256": snapshot.sha256,
        "link": f"/worlds/{snapshot.world_id}/snapshots/{snapshot.name}",
    }
