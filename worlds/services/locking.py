"""The lock that every use case of a world begins with."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connection, transaction

from qmtl_site.database import is_lock_timeout
from qmtl_site.http.refusals import NotFound
from worlds.errors import WorldRetired
from worlds.models import World

T = TypeVar("T")
TRIES = 3
PATIENCE_SECONDS = 5.0
# Sessions of our own role that hold locks and stand still: a stopped process, a lost machine.
END_STANDING = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
  AND state LIKE 'idle in transaction%%' AND state_change < clock_timestamp() - %s::interval
"""


def lock_world(world_id: str, *, writable: bool = True) -> World:
    """The world's row, locked so that rows may still refer to it; NotFound, or WorldRetired when it must take writes."""
    world = World.objects.select_for_update(no_key=True).filter(pk=world_id).first()
    if world is None:
        raise NotFound("There is no such world")
    if writable and world.is_retired:
        raise WorldRetired()
    return world


def insist(act: Callable[[], T], *, patience: float = PATIENCE_SECONDS) -> T:
    """Do what must not wait for anybody: nobody who stands still with a lock keeps a kill switch from falling.

    `patience`: seconds to wait for a lock; then transactions that have stood still for so long are ended.
    OperationalError where somebody is at work for longer than that, each of three times.
    """
    for tries_left in reversed(range(TRIES)):
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{patience:g}s"])
                return act()
        except OperationalError as error:
            if not tries_left or not is_lock_timeout(error):
                raise
            with connection.cursor() as cursor:
                cursor.execute(END_STANDING, [f"{patience:g} seconds"])
    raise AssertionError("unreachable: the last try returns or raises")
