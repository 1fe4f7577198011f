"""What is stored of an evaluated run, for its validation report: a constant number of statements."""

from __future__ import annotations

from typing import Any

import orjson

from evaluation.domain.reports import StoredRun
from evaluation.errors import RunNotEvaluated
from evaluation.models import EvaluationRun, RunInput, Snapshot
from evaluation.selectors.runs import no_run, picked, revisions_of, run_links
from worlds.models import PolicyVersion

RELATED = ("result", "input", "snapshot", "strategy__owner", "created_by")
UNREAD = ("input__document", "snapshot__document", "result__summary")


def stored_for_report(world_id: str, strategy_id: str, run_id: str, *, stage: str | None = None) -> StoredRun:
    """NotFound for no such run, RunNotEvaluated while it has no verdict."""
    rows = EvaluationRun.objects.filter(world_id=world_id, strategy_id=strategy_id)
    run = picked(rows.select_related(*RELATED).defer(*UNREAD), run_id, stage)
    if run is None:
        raise no_run(world_id, strategy_id, run_id)
    result = getattr(run, "result", None)
    if result is None:
        raise RunNotEvaluated(f"The run is {run.status}", run_status=run.status)
    name = f"/worlds/{world_id}/strategies/{strategy_id}/runs/{run.run_id}"
    return StoredRun(
        world_id=world_id,
        strategy_id=strategy_id,
        run_id=run.run_id,
        run=run_part(run),
        strategy=strategy_part(run),
        metrics=orjson.loads(result.document),
        policy=policy_part(world_id, result.policy_version),
        evidence={
            "metrics": {"link": f"{name}/metrics", "sha256": result.sha256},
            "snapshot": snapshot_part(run),
            "series": series_part(run),
            "input": input_part(run),
        },
        revisions=revisions_of(run),
        links=run_links(world_id, strategy_id, run.run_id, result.snapshot_name)
        | {"report": f"{name}/report"},
    )


def run_part(run: EvaluationRun) -> dict[str, Any]:
    given = getattr(run, "input", None)
    return {
        "stage": run.stage,
        "status": run.status,
        "status_reason": run.status_reason,
        "created_at": run.created_at,
        "received_at": None if given is None else given.received_at,
        "evaluated_at": run.result.evaluated_at,
        "submitted_by": run.created_by.username
        if run.created_by
        else "the service, from reported performance",
        "family": run.family_key.removeprefix("family:"),
        "strategy_version": run.strategy_version,
        "code_hash": run.code_hash,
        "model_card_version": run.model_card_version,
    }


def strategy_part(run: EvaluationRun) -> dict[str, Any]:
    """As it is registered now."""
    strategy = run.strategy
    return {
        "name": strategy.name,
        "owner": strategy.owner.username,
        "version": strategy.version,
        "side": strategy.side,
        "model_card": strategy.model_card,
    }


def policy_part(world_id: str, version: int | None) -> dict[str, Any] | None:
    """Of the version that judged; None where none was active."""
    if version is None:
        return None
    rows = PolicyVersion.objects.filter(world_id=world_id, version=version)
    found = rows.values_list("state", "text__checksum").first()
    return None if found is None else {"version": version, "state": found[0], "checksum": found[1]}


def snapshot_part(run: EvaluationRun) -> dict[str, Any]:
    snapshot: Snapshot = run.snapshot
    return {
        "snapshot_id": snapshot.name,
        "link": f"/worlds/{snapshot.world_id}/snapshots/{snapshot.name}",
        "sha256": snapshot.sha256,
        "created_at": snapshot.created_at,
    }


def series_part(run: EvaluationRun) -> dict[str, dict[str, str]]:
    """The whole series as files (Parquet), as far as there are any."""
    names = {"returns": run.snapshot.returns_parquet_id, "pnl": run.snapshot.pnl_parquet_id}
    return {
        name: {"link": f"/worlds/{run.world_id}/blobs/{sha256}.parquet", "sha256": sha256}
        for name, sha256 in names.items()
        if sha256 is not None
    }


def input_part(run: EvaluationRun) -> dict[str, Any] | None:
    """What was sent, by the hashes that it is kept under."""
    given: RunInput | None = getattr(run, "input", None)
    if given is None:
        return None
    return {
        "request_hash": given.request_hash,
        "times": given.times_id,
        "returns": given.returns_id,
        "equity": given.equity_id,
    }
