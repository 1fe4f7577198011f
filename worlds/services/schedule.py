"""Keeping the moment at which a world is due in step with its policy, its state and its evaluations."""

from __future__ import annotations

from datetime import datetime

from qmtl_site.database import native_cursor
from worlds.domain.policy import Policy
from worlds.domain.schedule import max_age, next_after
from worlds.models import World
from worlds.selectors import active_policy

NOTE = """
UPDATE worlds_world
SET last_evaluation_at = %s, decision_stale_at = %s, last_slot_at = %s, next_evaluation_at = %s
WHERE id = %s
"""


def note_evaluation(*, world: World, policy: Policy, now: datetime, slot: datetime, counted: bool) -> None:
    """A part of evaluating the world, which the caller locked: it was done as of `now`, by that policy.

    What was asked for after `now`, by a resume or a new policy, is not settled by this evaluation and stays due.
    """
    world.last_evaluation_at, world.decision_stale_at = now, now + max_age(policy)
    if counted:
        world.last_slot_at = max(slot, world.last_slot_at or slot)
    regular = next_after(policy.schedule, now) if world.state in World.EVALUATED else None
    asked = world.next_evaluation_at
    still_asked = regular is not None and asked is not None and now < asked < regular
    world.next_evaluation_at = asked if still_asked else regular
    noted = [world.last_evaluation_at, world.decision_stale_at, world.last_slot_at, world.next_evaluation_at]
    with native_cursor() as cursor:
        cursor.execute(NOTE, [*noted, world.pk])


def ask_evaluation(*, world: World, now: datetime) -> None:
    """A part of a use case that has locked the world: an evaluation is due, where there is a policy to evaluate by."""
    make_due(world, now=now)
    world.save(update_fields=["next_evaluation_at"])


# --- parts of use cases, on a locked world that they save ------------------------------------------------
def follow_policy(world: World, *, now: datetime) -> None:
    """Another policy became the active one; a world that was never evaluated need not wait for its schedule."""
    if world.last_evaluation_at is None:
        make_due(world, now=now)
        return
    active = active_policy(world.id)
    if active is not None:
        world.decision_stale_at = world.last_evaluation_at + max_age(active.policy)
    if not is_due(world, now):
        world.next_evaluation_at = next_by_policy(world, now)


def follow_state(world: World, *, before: str, now: datetime) -> None:
    """Standing still it is not due; coming back, or back to ACTIVE, asks for one evaluation."""
    if world.state not in World.EVALUATED:
        world.next_evaluation_at = None
    elif before == World.State.PAUSED or world.state == World.State.ACTIVE:
        make_due(world, now=now)


def make_due(world: World, *, now: datetime) -> None:
    """Ask for an evaluation at the next tick, where there is a policy to evaluate by."""
    if not is_due(world, now) and next_by_policy(world, now) is not None:
        world.next_evaluation_at = now


def is_due(world: World, now: datetime) -> bool:
    return world.next_evaluation_at is not None and world.next_evaluation_at <= now


def next_by_policy(world: World, now: datetime) -> datetime | None:
    """When its schedule fires next; None where it stands still or has no policy."""
    active = active_policy(world.id) if world.state in World.EVALUATED else None
    return None if active is None else next_after(active.policy.schedule, now)
