"""The lock that every use case of a world begins with."""

from __future__ import annotations

from qmtl_site.http.refusals import NotFound
from worlds.errors import WorldRetired
from worlds.models import World


def lock_world(world_id: str, *, writable: bool = True) -> World:
    """The world's row, locked so that rows may still refer to it; NotFound, or WorldRetired when it must take writes."""
    world = World.objects.select_for_update(no_key=True).filter(pk=world_id).first()
    if world is None:
        raise NotFound("There is no such world")
    if writable and world.is_retired:
        raise WorldRetired()
    return world
