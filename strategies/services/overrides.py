"""Acts of operators on single gates, and commands that wait while their world is paused."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.http.conditional import require_match
from qmtl_site.http.refusals import Invalid, NotFound
from qmtl_site.ledger.transactions import use_case
from strategies.errors import ApplyInProgress, NotLive
from strategies.models import Activation, Binding, QueuedCommand
from strategies.selectors import gate_documents
from strategies.services.apply import refuse_opening
from strategies.services.bindings import locked_bindings
from strategies.services.gating import Act, locked_gates, next_epoch, tell
from worlds.services import lock_world


@use_case
def set_gate(
    *,
    world_id: str,
    strategy_id: str,
    active: bool | None,
    weight: float | None,
    side: str | None,
    reason: str,
    actor: Actor,
    headers: Any = None,
) -> dict[str, Any]:
    """Close or re-open the gate of a live binding, or set its weight; the envelope that holds now.

    Closing is always possible. Opening obeys what speaks against any opening. A gate that an apply has frozen is the
    apply's until it is closed. NotLive, PreconditionFailed when the envelope has changed since it was read.
    """
    world = lock_world(world_id)
    binding = locked_bindings(world_id, [strategy_id]).get(strategy_id)
    if binding is None:
        raise NotFound(f"There is no strategy {strategy_id} in {world_id}")
    if binding.state != Binding.State.LIVE:
        raise NotLive(f"{strategy_id} is {binding.state} in {world_id}")
    gate = locked_gates([binding])[binding.pk]
    if side is not None and side != gate.side:
        raise Invalid.at("/side", f"the gate of {strategy_id} is {gate.side}")
    require_match(headers or {}, gate_documents(world_id, strategy_id=strategy_id)[0]["etag"])
    if gate.freeze and active is not False:
        raise ApplyInProgress(f"Apply {gate.run_id} has frozen this gate; it can only be closed")
    if active:
        refuse_opening(world, [strategy_id])
    change(gate, active, weight)
    tell(Act(world, next_epoch(world_id), actor, reason), [gate])
    return gate_documents(world_id, strategy_id=strategy_id)[0]


def change(gate: Activation, active: bool | None, weight: float | None) -> None:
    if active is not None:
        gate.active, gate.drain, gate.freeze = active, not active, False
    if weight is not None:
        gate.weight = weight


@use_case
def queue_command(
    *, world_id: str, strategy_id: str, command: str, reason: str, actor: Actor
) -> QueuedCommand:
    """Keep a command of a paused world until it resumes."""
    lock_world(world_id)
    queued = QueuedCommand.objects.create(
        world_id=world_id,
        strategy_id=strategy_id,
        command=command,
        user_id=actor.user_id,
        actor=actor.name,
        reason=reason,
        queued_at=timezone.now(),
    )
    record(
        actor,
        f"strategy.queue_{command}",
        object_type="binding",
        object_id=f"{world_id}/{strategy_id}",
        world_id=world_id,
        reason=reason,
    )
    return queued
