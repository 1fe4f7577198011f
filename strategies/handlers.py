"""What follows for strategies from events of their worlds: gates close with the change that demands it."""

from __future__ import annotations

from qmtl_site.audit.actor import Actor
from qmtl_site.outbox.events import inside
from strategies import selectors, services
from worlds.errors import WorldHasLive
from worlds.events import WorldCreated, WorldStateChanged, WorldUpdated
from worlds.models import World

WORLDS = Actor.service("worlds")


@inside(WorldCreated)
def count_the_epochs_of_a_new_world(event: WorldCreated) -> None:
    services.give_authority(event.world_id)


@inside(WorldStateChanged)
def close_gates_of_a_world_that_stands_still(event: WorldStateChanged) -> None:
    if event.after == "RETIRED" and event.before != "RETIRED":
        refuse_live(event)
    if event.after != "ACTIVE" or event.circuit_breaker:
        why = "circuit breaker engaged" if event.circuit_breaker else f"world {event.after}"
        close(event.world_id, f"{why}: {event.reason}")
    if event.after == "RETIRED" and event.before != "RETIRED":
        services.archive_bindings(world_id=event.world_id, reason=event.reason, actor=WORLDS)


@inside(WorldUpdated)
def close_gates_of_a_world_that_may_not_trade_any_more(event: WorldUpdated) -> None:
    if "allow_live" in event.fields:
        world = World.objects.get(pk=event.world_id)
        if not world.allow_live:
            close(event.world_id, "live trading is not allowed any more")


def close(world_id: str, reason: str) -> None:
    """Nothing is open after it, and nothing opens that was asked for before it."""
    world = World.objects.get(pk=world_id)
    services.close_gates(world=world, reason=reason, actor=WORLDS)
    services.abandon_openings(world=world, reason=reason)


def refuse_live(event: WorldStateChanged) -> None:
    live = selectors.bindings_of(event.world_id).filter(state="live").count()
    if live and not event.forced:
        raise WorldHasLive(f"{live} strategies are live in {event.world_id}")
