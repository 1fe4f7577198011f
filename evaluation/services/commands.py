"""Manual commands: a strategy started, sent live, or stopped by hand. Each answer says that it may be undone."""

from __future__ import annotations

import uuid
from typing import Any, Literal

import structlog
from django.contrib.auth.models import User
from django.utils import timezone

from evaluation.services.applying import Wanted, apply_plan
from qmtl_site.accounts.selectors import actor_in_world
from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.http.refusals import Forbidden, IllegalTransition, NotFound, Refusal
from qmtl_site.ledger.transactions import use_case
from strategies.errors import AlreadyLive, ApplyInProgress
from strategies.models import Binding, QueuedCommand
from strategies.services import locked_bindings, move_binding, queue_command
from worlds.models import World
from worlds.services import lock_world

log = structlog.get_logger(__name__)

Command = Literal["activate", "deactivate"]
# A command that came while the world was paused waits for its resume, also where that comes by EVALUATION_ONLY.
STANDING_STILL = (World.State.PAUSED, World.State.EVALUATION_ONLY)
WARNING = "The next evaluation of the world decides anew and may undo this."


@use_case
def command_strategy(
    *, world_id: str, strategy_id: str, command: Command, reason: str, actor: Actor
) -> dict[str, Any]:
    """Start, send live, or stop a strategy by hand; `queued` while the world is paused.

    activate: inactive -> dry_run, dry_run -> live through an apply. deactivate: dry_run -> inactive, live ->
    inactive through an apply. What speaks against an apply speaks against this.
    """
    world = lock_world(world_id)
    binding = locked_bindings(world_id, [strategy_id]).get(strategy_id)
    if binding is None:
        raise NotFound(f"{strategy_id} is not bound to {world_id}")
    if world.state == World.State.PAUSED:
        queue_command(world_id=world_id, strategy_id=strategy_id, command=command, reason=reason, actor=actor)
        return told(binding, command, status="queued")
    if command == "activate":
        return activate(world, binding, reason, actor)
    return deactivate(world, binding, reason, actor)


def activate(world: World, binding: Binding, reason: str, actor: Actor) -> dict[str, Any]:
    name = binding.strategy_id
    if binding.state == Binding.State.LIVE:
        raise AlreadyLive(f"{name} is live in {world.pk}")
    if binding.state == Binding.State.INACTIVE:
        move_binding(binding=binding, by="start_dry_run", reason=reason, actor=actor)
        return told(binding, "activate", status="done")
    if binding.state != Binding.State.DRY_RUN:
        raise IllegalTransition(f"{name} is {binding.state}", current=binding.state, open=["start_dry_run"])
    run_id = f"manual-{uuid.uuid4().hex}"
    apply_plan(
        world_id=world.pk, run_id=run_id, activate=[Wanted(name)], deactivate=[], reason=reason, actor=actor
    )
    return told(binding, "activate", status="applying", run_id=run_id)


def deactivate(world: World, binding: Binding, reason: str, actor: Actor) -> dict[str, Any]:
    if binding.state == Binding.State.DRY_RUN:
        move_binding(binding=binding, by="deactivate", reason=reason, actor=actor)
        return told(binding, "deactivate", status="done")
    if binding.state != Binding.State.LIVE:
        raise IllegalTransition(
            f"{binding.strategy_id} is {binding.state}", current=binding.state, open=["activate"]
        )
    run_id = f"manual-{uuid.uuid4().hex}"
    apply_plan(
        world_id=world.pk,
        run_id=run_id,
        activate=[],
        deactivate=[binding.strategy_id],
        to="inactive",
        reason=reason,
        actor=actor,
    )
    return told(binding, "deactivate", status="applying", run_id=run_id)


def told(binding: Binding, command: str, *, status: str, run_id: str | None = None) -> dict[str, Any]:
    binding.refresh_from_db(fields=["state"])
    return {
        "world_id": binding.world_id,
        "strategy_id": binding.strategy_id,
        "command": command,
        "status": status,
        "state": binding.state,
        "run_id": run_id,
        "warning": WARNING,
    }


def run_queued(*, world_id: str) -> int:
    """Run what waited while the world was paused, in order, as whoever gave it; how many commands.

    Where the world is paused again, or an apply is in flight, the rest waits on: for its resume, for the apply's end.
    """
    count = 0
    while (row := next_queued(world_id)) is not None and run_command(key=row.pk):
        count += 1
    return count


def next_queued(world_id: str) -> QueuedCommand | None:
    return QueuedCommand.objects.filter(world_id=world_id, done_at=None).order_by("id").first()


@use_case
def run_command(*, key: int) -> bool:
    """One command, unless it has to wait; what it is refused is kept with it, and the next one runs all the same."""
    world_id = QueuedCommand.objects.values_list("world_id", flat=True).get(pk=key)
    world = lock_world(world_id, writable=False)
    row = QueuedCommand.objects.select_for_update().get(pk=key)
    if world.state in STANDING_STILL:
        return False
    if row.done_at is not None:
        return True
    actor = actor_of(row)
    try:
        require_operator(actor)
        done = command_strategy(
            world_id=world_id,
            strategy_id=row.strategy_id,
            command=row.command,  # type: ignore[arg-type]
            reason=row.reason,
            actor=actor,
        )
        outcome = str(done["status"])
    except ApplyInProgress:
        return False
    except Refusal as refusal:
        outcome = f"{refusal.code}: {refusal.detail}"
    row.done_at, row.outcome = timezone.now(), outcome[:2000]
    row.save(update_fields=["done_at", "outcome"])
    record(
        actor,
        f"strategy.dequeue_{row.command}",
        object_type="binding",
        object_id=f"{world_id}/{row.strategy_id}",
        world_id=world_id,
        outcome=outcome,
    )
    return True


def require_operator(actor: Actor) -> None:
    if not actor.has_any_role("operator", "owner"):
        raise Forbidden("This needs one of the roles operator, owner in the world")


def actor_of(row: QueuedCommand) -> Actor:
    """Whoever gave it, with the roles that he has now."""
    user = User.objects.filter(pk=row.user_id or 0, is_active=True).first()
    return Actor(user_id=-1, name=row.actor) if user is None else actor_in_world(user, row.world_id)
