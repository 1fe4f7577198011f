"""The steps of an apply: each one a transaction from what is stored to what is stored next, whoever drives it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from qmtl_site.audit.actor import Actor
from qmtl_site.database import native_cursor
from qmtl_site.http.refusals import Refusal
from qmtl_site.ledger.transactions import unit_of_change, use_case
from qmtl_site.outbox.numbering import next_sequence
from strategies.domain.apply_steps import Step, next_step
from strategies.domain.plans import Opening, Plan
from strategies.models import Activation, Apply, Binding
from strategies.selectors import Holder, due_applies, silent_holders
from strategies.selectors.tallies import PHASE_MS
from strategies.services.apply import act_of, refuse_opening, tell_phase
from strategies.services.bindings import Move, locked_bindings, move_bindings
from strategies.services.driver_lease import LeaseLost, hold_lease, refuse_old_fence
from strategies.services.edges import set_edges
from strategies.services.gates import revoke_client
from strategies.services.gating import lock_authority, locked_gates, sides_of, tell
from worlds.models import World
from worlds.services import lock_world

log = structlog.get_logger(__name__)

DRIVER = Actor.service("driver")
MOST_STEPS = 8
MOVED = [
    "phase",
    "phase_since",
    "deadline",
    "freeze_sequence",
    "unfreeze_sequence",
    "outcome",
    "settled_at",
]


def drive_apply(*, apply_id: int, fence: int | None = None) -> str:
    """Take the steps that are due; the phase in which it waits or has ended.

    `fence`: of the driver's lease, which is taken here if none is given. LeaseLost while another process drives.
    """
    held = hold_lease() if fence is None else fence
    if held is None:
        raise LeaseLost("Another process drives the applies")
    for _ in range(MOST_STEPS):
        if not (take_step(apply_id=apply_id, fence=held) and due_applies(apply_id)):
            break
    return str(Apply.objects.values_list("phase", flat=True).get(pk=apply_id))


@use_case
def take_step(*, apply_id: int, fence: int) -> bool:
    """One step, if one is due. Two drivers cannot both take it: the lease's fence comes first, then the world's lock,
    then what is stored. LeaseLost, and nothing changed, with a fence that is not the newest.
    """
    refuse_old_fence(fence)
    world_id = Apply.objects.values_list("world_id", flat=True).get(pk=apply_id)
    world = lock_world(world_id, writable=False)
    apply = Apply.objects.select_for_update(no_key=True).get(pk=apply_id)
    if apply.settled_at is not None:
        return False
    apply.world = world
    now = database_now()
    silent = silent_holders(apply.pk)
    step = next_step(phase=apply.phase, everybody=not silent, deadline=apply.deadline, now=now)
    match step:
        case Step.WAIT:
            return False
        case Step.FREEZE:
            attempt(freeze, apply, now)
        case Step.SWITCH:
            attempt(switch, apply, now)
        case Step.UNFREEZE:
            unfreeze(apply, now)
        case Step.COMPLETE:
            complete(apply, now, silent=silent)
        case Step.ROLL_BACK:
            silence(apply, silent)
            roll_back(apply, now, "some who hold the gates were silent until the freeze timed out")
    return True


@use_case
def abandon_openings(*, world: World, reason: str) -> None:
    """Nothing opens any more that was asked for before the gates of a locked world were closed, however soon they may
    open again. An apply that only closes goes on; after the switch its gates are closed by now.
    """
    rows = Apply.objects.select_for_update(no_key=True).filter(world=world, phase__in=["requested", "freeze"])
    apply = rows.first()
    if apply is not None and Plan.read(apply.plan).openings:
        apply.world = world
        roll_back(apply, database_now(), reason)


def attempt(step: Callable[[Apply, datetime], None], apply: Apply, now: datetime) -> None:
    """A step before anything has opened: if it fails, nothing of it remains and the openings are abandoned.

    Trouble with the database is not the step's: it is taken again.
    """
    try:
        with unit_of_change():
            step(apply, now)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.exception("apply.step_failed", world_id=apply.world_id, run_id=apply.run_id)
        stored = Apply.objects.select_related("world").get(pk=apply.pk)
        roll_back(stored, now, f"the {step.__name__} failed: {type(error).__name__}: {error}")


def freeze(apply: Apply, now: datetime) -> None:
    """Ask whoever holds a gate that will open to hold still."""
    plan, world = Plan.read(apply.plan), apply.world
    bindings = locked_bindings(world.pk, [each.strategy_id for each in plan.openings])
    gates = list(locked_gates(list(bindings.values())).values())
    newer = (
        f"{gate.binding.strategy_id} was told otherwise meanwhile" for gate in gates if is_newer(gate, apply)
    )
    objection = against_opening(apply, plan) or next(newer, None)
    if objection is not None:
        roll_back(apply, now, objection)
        return
    apply.freeze()
    sides = sides_of(list(bindings.values()))
    for gate in gates:
        gate.freeze, gate.side = True, sides[gate.binding.strategy_id]
    if gates:
        set_edges(world=world, edges=plan.pre_edges, active=False, reason=apply.run_id, actor=DRIVER)
    time_phase(apply, "requested", now, plan.freeze_timeout_ms)
    act = act_of(apply, DRIVER).by(phase="freeze", requires_ack=True, position_policy=plan.on_promote)
    apply.freeze_sequence = max(tell(act, gates), default=None)
    # Last, so that whoever answers this word has seen his gates frozen.
    tell_phase(apply, "requested", DRIVER)
    apply.save(update_fields=MOVED)


def switch(apply: Apply, now: datetime) -> None:
    """Bindings, sides, weights and edges at once; the gates themselves open with the next step."""
    plan, world = Plan.read(apply.plan), apply.world
    objection = against_opening(apply, plan)
    bindings = locked_bindings(world.pk, [*(o.strategy_id for o in plan.openings), *plan.weights])
    gates = locked_gates(list(bindings.values()))
    opening = {o.strategy_id: gates[bindings[o.strategy_id].pk] for o in plan.openings}
    objection = objection or next(filter(None, (moved_on(apply, gate) for gate in opening.values())), None)
    objection = objection or next(
        filter(None, (unfit(o, bindings[o.strategy_id]) for o in plan.openings)), None
    )
    if objection is not None:
        roll_back(apply, now, objection)
        return
    apply.switch()
    promoted = [bindings[o.strategy_id] for o in plan.openings if o.action == "promote"]
    reason = apply.reason or f"apply {apply.run_id}"
    move_bindings(moves=[Move(b, "promote", reason) for b in promoted], actor=DRIVER)
    sides = sides_of(list(bindings.values()))
    for each in plan.openings:
        gate = opening[each.strategy_id]
        gate.active, gate.drain, gate.weight = True, False, each.weight
        gate.side = sides[each.strategy_id]
    reweighed = reweigh(
        apply, plan, {name: gates[bindings[name].pk] for name in plan.weights if name in bindings}
    )
    if plan.openings:
        set_edges(world=world, edges=plan.post_edges, active=True, reason=reason, actor=DRIVER)
    entered(apply, "freeze", now, None)
    act = act_of(apply, DRIVER).by(phase="switch", position_policy=plan.on_promote)
    tell(act, [*opening.values(), *reweighed])
    apply.save(update_fields=MOVED)


def unfreeze(apply: Apply, now: datetime) -> None:
    """Open the gates that are still this apply's; who was closed meanwhile stays closed."""
    plan = Plan.read(apply.plan)
    bindings = locked_bindings(apply.world_id, [each.strategy_id for each in plan.openings])
    gates = [gate for gate in locked_gates(list(bindings.values())).values() if moved_on(apply, gate) is None]
    for gate in gates:
        gate.freeze = False
    apply.unfreeze()
    apply.unfreeze_sequence = next_sequence(apply.world_id) if gates else None
    entered(apply, "switch", now, plan.unfreeze_timeout_ms)
    act = act_of(apply, DRIVER).by(phase="unfreeze", requires_ack=True, position_policy=plan.on_promote)
    tell(act, gates)
    apply.save(update_fields=MOVED)


def complete(apply: Apply, now: datetime, *, silent: Sequence[Holder]) -> None:
    apply.complete()
    if silent:
        apply.outcome = f"no receipt from {', '.join(each.client_id for each in silent)}"
    settle(apply, "unfreeze", now)


def roll_back(apply: Apply, now: datetime, reason: str) -> None:
    """Abandon the openings: gates are as they were, where nobody else has told them anything since the freeze.

    No binding is locked, as in `close_gates`, which this follows in a halt: it waits for nobody who judges runs.
    """
    plan, before = Plan.read(apply.plan), apply.phase
    names = [each.strategy_id for each in plan.openings]
    bindings = list(Binding.objects.filter(world_id=apply.world_id, strategy_id__in=names).order_by("id"))
    gates = [
        gate for gate in locked_gates(bindings).values() if gate.freeze and moved_on(apply, gate) is None
    ]
    for gate in gates:
        gate.freeze = False
    apply.roll_back()
    apply.outcome = reason[:2000]
    act = act_of(apply, DRIVER).by(phase="rolled_back", reason=reason)
    settle(apply, before, now)
    tell(act, gates)


# --- parts of the steps -----------------------------------------------------------------------------------
def against_opening(apply: Apply, plan: Plan) -> str | None:
    """Why nothing may open now, however it was when the apply was asked for."""
    if not plan.openings:
        return None
    if lock_authority(apply.world_id).incarnation != apply.incarnation:
        return "a backup was restored meanwhile"
    try:
        refuse_opening(apply.world, [each.strategy_id for each in plan.openings])
    except Refusal as refusal:
        return refusal.detail
    return None


def moved_on(apply: Apply, gate: Activation) -> str | None:
    """Whether somebody else told the gate something since this apply began with it."""
    if (gate.incarnation, gate.number) == apply.epoch:
        return None
    return f"{gate.binding.strategy_id} was told otherwise meanwhile"


def unfit(opening: Opening, binding: Binding) -> str | None:
    """Whether the binding has left the state from which it was to open: who is stopped while frozen stays stopped."""
    wanted = Binding.State.LIVE if opening.action == "reopen" else Binding.State.DRY_RUN
    return None if binding.state == wanted else f"{binding.strategy_id} is {binding.state} by now"


def is_newer(gate: Activation, apply: Apply) -> bool:
    """Whether the gate has had an act since the apply was asked for. A gate that was never told has no epoch."""
    return gate.number is not None and (gate.incarnation, gate.number) > apply.epoch


def reweigh(apply: Apply, plan: Plan, gates: dict[str, Activation]) -> list[Activation]:
    """Gates of strategies that stay live and whose weight differs."""
    changed = [
        (gate, plan.weights[name])
        for name, gate in gates.items()
        if gate.binding.state == Binding.State.LIVE
        and gate.active
        and gate.weight != plan.weights[name]
        and not is_newer(gate, apply)
    ]
    for gate, weight in changed:
        gate.weight = weight
    return [gate for gate, _ in changed]


def entered(apply: Apply, before: str, now: datetime, timeout_ms: int | None) -> None:
    time_phase(apply, before, now, timeout_ms)
    tell_phase(apply, before, DRIVER)


def time_phase(apply: Apply, before: str, now: datetime, timeout_ms: int | None) -> None:
    milliseconds = max((now - apply.phase_since).total_seconds(), 0.0) * 1000
    transaction.on_commit(partial(PHASE_MS.observe, milliseconds, before))
    apply.phase_since = now
    apply.deadline = None if timeout_ms is None else now + timedelta(milliseconds=timeout_ms)


def settle(apply: Apply, before: str, now: datetime) -> None:
    apply.settled_at = now
    entered(apply, before, now, None)
    apply.save(update_fields=MOVED)


def silence(apply: Apply, silent: Sequence[Holder]) -> None:
    """Whoever did not answer loses his lease: he closes by himself, and is not waited for again."""
    for each in sorted(silent):
        revoke_client(key=each.id, reason=f"silent in the freeze of {apply.run_id}", actor=DRIVER)


def database_now() -> datetime:
    """The one clock that leases and deadlines are held against."""
    with native_cursor() as cursor:
        (now,) = cursor.execute("SELECT now()").fetchone() or (timezone.now(),)
    return now
