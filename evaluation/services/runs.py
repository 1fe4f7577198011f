"""Use cases of a run until its results are in."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.utils import timezone

from evaluation.errors import RunConflict, RunFinal
from evaluation.events import RunCreated, RunUpdated
from evaluation.models import EvaluationRun, RunInput
from evaluation.schemas import Results, RunCreate
from evaluation.services.intake import Taken, canonical_hash, keep, take
from qmtl_site.accounts.models import Role
from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.http.refusals import Forbidden, NotFound
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import emit
from strategies.models import Binding, Strategy
from strategies.services import bind_for_run, locked_bindings, move_binding, require_owner
from worlds.services import lock_world

FINAL = frozenset({"evaluated", "activated", "rejected", "expired"})


@use_case
def create_run(
    *, world_id: str, strategy_id: str, request: RunCreate, actor: Actor
) -> tuple[EvaluationRun, bool]:
    """The run and whether it is new. The same id with the same payload is the same run; another payload: RunConflict."""
    taken = None if request.results is None else take(request.results, at="/results")
    lock_world(world_id)
    strategy = known_strategy(strategy_id)
    require_submitter(request.stage, strategy, actor)
    digest = canonical_hash(request.model_dump(mode="json", exclude={"run_id"}, exclude_none=True))
    run_id = request.run_id or default_run_id(timezone.now())
    existing = EvaluationRun.objects.filter(world_id=world_id, strategy_id=strategy_id, run_id=run_id).first()
    if existing is not None:
        if existing.request_hash != digest:
            raise RunConflict(f"Run {run_id!r} exists with another payload")
        return existing, False
    binding = binding_for(request.stage, world_id, strategy, actor)
    run = new_run(world_id, strategy, run_id, request, digest, taken, actor)
    told(run, actor, "run.create")
    emit(RunCreated(**facts(run)))
    reopen(binding, run, actor)
    if taken is not None:
        accept(run, taken, binding, actor)
    return run, True


@use_case
def report_progress(*, world_id: str, strategy_id: str, run_id: str, actor: Actor) -> EvaluationRun:
    """The strategy's side has started to produce returns; saying it again only refreshes the TTL."""
    run = lock_run(world_id, strategy_id, run_id, actor)
    before = run.status
    if before != EvaluationRun.Status.BACKTEST_RUNNING:
        run.start_backtest()
    run.updated_at = timezone.now()
    run.save(update_fields=["status", "updated_at"])
    if before != run.status:
        told(run, actor, "run.start_backtest")
        emit(RunUpdated(**facts(run), before=before))
    return run


@use_case
def post_results(
    *, world_id: str, strategy_id: str, run_id: str, results: Results, actor: Actor
) -> EvaluationRun:
    """Take the results and start the evaluation. The same results again, while it waits, change nothing."""
    taken = take(results)
    run = lock_run(world_id, strategy_id, run_id, actor)
    if run.status in FINAL:
        raise RunFinal(f"Run {run_id!r} is {run.status}; evaluate again under a new run id")
    if run.status == EvaluationRun.Status.EVALUATING:
        if RunInput.objects.get(run=run).request_hash != taken.request_hash:
            raise RunConflict(f"Run {run_id!r} is being evaluated with other results")
        return run
    binding = locked_bindings(world_id, [strategy_id])[strategy_id]
    accept(run, taken, binding, actor)
    return run


# --- parts of the use cases above -------------------------------------------------------------------------
def default_run_id(now: datetime) -> str:
    return f"{now:%Y-%m-%dT%H:%M:%SZ}-{uuid.uuid4()}"


def known_strategy(strategy_id: str) -> Strategy:
    strategy = Strategy.objects.filter(pk=strategy_id).first()
    if strategy is None:
        raise NotFound(f"There is no strategy {strategy_id!r}; register it with POST /strategies")
    return strategy


def require_submitter(stage: str, strategy: Strategy, actor: Actor) -> None:
    """Backtests come from the strategy's owner, paper and live runs from a runner of the world."""
    if stage == EvaluationRun.Stage.BACKTEST:
        if not actor.has_any_role(Role.SUBMITTER):
            raise Forbidden("Submitting a backtest run needs the role submitter")
        require_owner(strategy, actor)
    elif not actor.has_any_role(Role.RUNNER):
        raise Forbidden(f"Posting a {stage} run needs the role runner")


def binding_for(stage: str, world_id: str, strategy: Strategy, actor: Actor) -> Binding:
    if stage == EvaluationRun.Stage.BACKTEST:
        return bind_for_run(world_id=world_id, strategy=strategy, actor=actor)
    binding = locked_bindings(world_id, [strategy.id]).get(strategy.id)
    if binding is None:
        raise NotFound(
            f"Strategy {strategy.id!r} is not bound to {world_id}; its first run there is a backtest"
        )
    return binding


def lock_run(world_id: str, strategy_id: str, run_id: str, actor: Actor) -> EvaluationRun:
    lock_world(world_id)
    run = (
        EvaluationRun.objects.select_for_update(no_key=True, of=("self",))
        .select_related("strategy")
        .filter(world_id=world_id, strategy_id=strategy_id, run_id=run_id)
        .first()
    )
    if run is None:
        raise NotFound(f"Strategy {strategy_id!r} has no run {run_id!r} in {world_id}")
    require_submitter(run.stage, run.strategy, actor)
    return run


def new_run(
    world_id: str,
    strategy: Strategy,
    run_id: str,
    request: RunCreate,
    digest: str,
    taken: Taken | None,
    actor: Actor,
) -> EvaluationRun:
    now = timezone.now()
    return EvaluationRun.objects.create(
        world_id=world_id,
        strategy=strategy,
        run_id=run_id,
        stage=request.stage,
        request_hash=digest,
        strategy_version=strategy.version,
        code_hash=code_hash_of(taken) or strategy.code_hash,
        model_card_version=request.model_card_version or "",
        family_key=strategy.family_key,
        created_by_id=actor.user_id,
        created_at=now,
        updated_at=now,
    )


def code_hash_of(taken: Taken | None) -> str:
    return "" if taken is None else str((taken.document.get("meta") or {}).get("code_hash") or "")


def accept(run: EvaluationRun, taken: Taken, binding: Binding, actor: Actor) -> None:
    """Keep the input and move the run to `evaluating`; the event starts the evaluation."""
    keep(run, taken)
    before = run.status
    run.start_evaluation()
    run.code_hash = code_hash_of(taken) or run.code_hash
    run.updated_at = timezone.now()
    run.save()
    told(run, actor, "run.results", results_sha256=taken.request_hash)
    emit(RunUpdated(**facts(run), before=before))
    reopen(binding, run, actor)
    if run.stage == EvaluationRun.Stage.BACKTEST and binding.state == Binding.State.SUBMITTED:
        move_binding(binding=binding, by="start_validation", reason=f"run {run.run_id}", actor=actor)


def reopen(binding: Binding, run: EvaluationRun, actor: Actor) -> None:
    """A backtest run gives a rejected or inactive binding another chance."""
    if run.stage == EvaluationRun.Stage.BACKTEST and binding.state in {"rejected", "inactive"}:
        move_binding(binding=binding, by="resubmit", reason=f"backtest run {run.run_id}", actor=actor)


def facts(run: EvaluationRun) -> dict[str, Any]:
    return {
        "world_id": run.world_id,
        "strategy_id": run.strategy_id,
        "run_id": run.run_id,
        "stage": run.stage,
        "status": run.status,
    }


def told(run: EvaluationRun, actor: Actor, action: str, **details: Any) -> None:
    record(
        actor,
        action,
        object_type="run",
        object_id=str(run),
        world_id=run.world_id,
        status=run.status,
        **details,
    )
