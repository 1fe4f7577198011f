"""Asking for an apply: checked whole, its closings done at once, its openings left to the driver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.http.refusals import IllegalTransition, Invalid
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import emit
from strategies.domain.plans import Closing, Opening, Plan, hash_of
from strategies.errors import AlreadyLive, AnotherPlan, ApplyInProgress, CrossContext, NotLive
from strategies.events import ApplyPhaseChanged
from strategies.models import Activation, Apply, Binding
from strategies.services.bindings import Move, locked_bindings, move_bindings
from strategies.services.edges import set_edges
from strategies.services.gating import (
    Act,
    lock_authority,
    locked_gates,
    masked_among,
    mode_in,
    next_epoch,
    tell,
)
from worlds.errors import BreakerEngaged, LiveNotAllowed, WorldRetired
from worlds.models import World
from worlds.services import lock_world

MOVE_TO = {"dry_run": "demote", "inactive": "deactivate", "archived": "archive"}


@dataclass(frozen=True)
class Asked:
    """An apply as somebody asks for it. `asked`: the words under which the run id is idempotent."""

    world_id: str
    run_id: str
    plan: Plan
    asked: Mapping[str, Any] = field(default_factory=dict)
    decision_id: str = ""
    policy_version: int | None = None
    reason: str = ""


@use_case
def request_apply(*, asked: Asked, actor: Actor) -> Apply:
    """Begin an apply: its closings hold when this returns, its openings come with the driver's steps.

    The same run id with the same words gives the apply that there is. AnotherPlan, ApplyInProgress, and what
    speaks against opening: the world's state, breaker, allow_live, cross-context hits.
    """
    world = lock_world(asked.world_id, writable=False)
    plan_hash = hash_of(asked.asked or asked.plan.document())
    known = Apply.objects.filter(world=world, run_id=asked.run_id).first()
    if known is not None:
        if known.plan_hash != plan_hash:
            raise AnotherPlan(f"Run id {asked.run_id} was used for another plan")
        return known
    refuse_standstill(world)
    if running := Apply.objects.filter(world=world, settled_at=None).first():
        raise ApplyInProgress(f"Apply {running.run_id} is in flight", run_id=running.run_id)
    gates = checked_plan(world, asked.plan)
    apply = Apply(
        world=world,
        run_id=asked.run_id,
        plan_hash=plan_hash,
        plan=asked.plan.document(),
        decision_id=asked.decision_id,
        policy_version=asked.policy_version,
        requested_by_id=actor.user_id,
        actor=actor.name,
        reason=asked.reason,
        created_at=timezone.now(),
        phase_since=timezone.now(),
    )
    apply.incarnation, apply.number = next_epoch(world.pk)
    apply.save(force_insert=True)
    tell_phase(apply, None, actor)
    close_planned(apply, asked.plan, gates, actor)
    return apply


# --- parts of the use case --------------------------------------------------------------------------------
def checked_plan(world: World, plan: Plan) -> dict[str, Activation]:
    """The plan's gates by strategy, locked with their bindings; refused with the place of the first fault, or with what
    speaks against opening.
    """
    if not plan.names:
        raise Invalid.at("/plan", "the plan names no strategy: it would do nothing")
    refuse_twice(plan)
    bindings = locked_bindings(world.pk, plan.names)
    if plan.openings:
        refuse_opening(world, [each.strategy_id for each in plan.openings])
    gates = locked_gates(list(bindings.values()))
    for index, opening in enumerate(plan.openings):
        binding = bound(bindings, opening.strategy_id, f"/plan/activate/{index}")
        refuse_open(opening, binding, gates[binding.pk])
    for index, closing in enumerate(plan.closings):
        binding = bound(bindings, closing.strategy_id, f"/plan/deactivate/{index}")
        if binding.state != Binding.State.LIVE:
            raise NotLive(f"{binding.strategy_id} is {binding.state} in {world.pk}")
    return {gate.binding.strategy_id: gate for gate in gates.values()}


def refuse_twice(plan: Plan) -> None:
    seen: set[str] = set()
    sides: tuple[tuple[str, Sequence[Opening | Closing]], ...] = (
        ("activate", plan.openings),
        ("deactivate", plan.closings),
    )
    for name, rows in sides:
        for index, row in enumerate(rows):
            if row.strategy_id in seen:
                raise Invalid.at(f"/plan/{name}/{index}", f"{row.strategy_id!r} stands in the plan twice")
            seen.add(row.strategy_id)


def bound(bindings: Mapping[str, Binding], strategy_id: str, pointer: str) -> Binding:
    binding = bindings.get(strategy_id)
    if binding is None:
        raise Invalid.at(pointer, f"there is no strategy {strategy_id!r} in this world")
    return binding


def refuse_standstill(world: World) -> None:
    if world.is_retired:
        raise WorldRetired()
    if world.state == World.State.PAUSED:
        raise IllegalTransition("A paused world applies nothing", current=world.state, open=["resume"])


def refuse_opening(world: World, names: Sequence[str]) -> None:
    """What keeps these gates shut, in the words of the refusal that names it."""
    if world.circuit_breaker:
        raise BreakerEngaged(f"The circuit breaker of {world.pk} is engaged")
    if world.state != World.State.ACTIVE:
        raise IllegalTransition(f"The world is {world.state}", current=world.state, open=["resume"])
    if not world.allow_live:
        raise LiveNotAllowed(f"World {world.pk} does not allow live trading")
    if hits := lock_authority(world.pk).cross_context_hits:
        raise CrossContext(f"Runners of {world.pk} reported {hits} cross-context cache hits", hits=hits)
    if (lowered := mode_in(world, "live").lowered_by) is not None:
        raise IllegalTransition(f"Nothing may open: {lowered}", current=lowered, open=["evaluate"])
    masked = masked_among(world.pk, names)
    if failed := sorted(masked.node_error):
        raise IllegalTransition(
            f"{', '.join(failed)}: a node is in error", current="node_error", open=["reset"]
        )
    if foreign := sorted(masked.foreign_code):
        raise IllegalTransition(
            f"Who holds the gate of {', '.join(foreign)} runs other code than the judged one",
            current="foreign_code",
            open=["revoke", "validate"],
        )


def refuse_open(opening: Opening, binding: Binding, gate: Activation) -> None:
    name = f"{binding.strategy_id} in {binding.world_id}"
    if opening.action == "reopen":
        if binding.state != Binding.State.LIVE:
            raise NotLive(f"{name} is {binding.state}")
        if gate.active:
            raise AlreadyLive(f"The gate of {name} is open")
        return
    if binding.state == Binding.State.LIVE:
        raise AlreadyLive(f"{name} is live")
    if binding.state != Binding.State.DRY_RUN:
        raise IllegalTransition(f"{name} is {binding.state}", current=binding.state, open=["start_dry_run"])


def close_planned(apply: Apply, plan: Plan, gates: Mapping[str, Activation], actor: Actor) -> None:
    """Closings, at once and for good: neither time-out, rollback nor takeover undoes them."""
    leaving = [gates[closing.strategy_id] for closing in plan.closings]
    if not leaving:
        return
    for gate in leaving:
        gate.active, gate.freeze, gate.drain, gate.weight = False, False, True, 0.0
    reason = apply.reason or "closed by an apply"
    moves = [
        Move(gate.binding, MOVE_TO[closing.to], reason=reason)
        for gate, closing in zip(leaving, plan.closings, strict=True)
    ]
    move_bindings(moves=moves, actor=actor)
    set_edges(world=apply.world, edges=plan.post_edges, active=False, reason=reason, actor=actor)
    act = act_of(apply, actor).by(phase=apply.phase, position_policy=plan.on_demote)
    tell(act, leaving)


def act_of(apply: Apply, actor: Actor) -> Act:
    return Act(
        world=apply.world,
        epoch=apply.epoch,
        actor=actor,
        reason=apply.reason or f"apply {apply.run_id}",
        run_id=apply.run_id,
        decision_id=apply.decision_id,
        policy_version=apply.policy_version,
    )


def tell_phase(apply: Apply, before: str | None, actor: Actor) -> None:
    plan = Plan.read(apply.plan)
    record(
        actor,
        f"apply.{apply.phase}",
        object_type="apply",
        object_id=f"{apply.world_id}/{apply.run_id}",
        world_id=apply.world_id,
        before=before,
        after=apply.phase,
        outcome=apply.outcome,
        plan_hash=apply.plan_hash,
    )
    emit(
        ApplyPhaseChanged(
            world_id=apply.world_id,
            run_id=apply.run_id,
            before=before,
            after=apply.phase,
            epoch=list(apply.epoch),
            decision_id=apply.decision_id,
            activate=[each.strategy_id for each in plan.openings],
            deactivate=[each.strategy_id for each in plan.closings],
            outcome=apply.outcome,
        )
    )
