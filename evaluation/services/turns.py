"""Whose turn it is to decide about a world: one at a time."""

from __future__ import annotations

from django.conf import settings
from django.db import OperationalError

from evaluation.errors import EvaluationInProgress
from evaluation.models import EvaluationTurn
from qmtl_site.database import is_lock_timeout, native_cursor
from qmtl_site.http.refusals import NotFound


def give_turn(world_id: str) -> None:
    """The row of a new world; made with it, as who inserts one first would be waited for like who holds it."""
    EvaluationTurn.objects.create(world_id=world_id)


HOLD = "SELECT fence FROM evaluation_evaluationturn WHERE world_id = %s FOR UPDATE {}"
TAKE = """
UPDATE evaluation_evaluationturn SET fence = fence + 1
WHERE world_id = (SELECT world_id FROM evaluation_evaluationturn WHERE world_id = %s FOR UPDATE {})
RETURNING fence
"""


PATIENCE = "SELECT set_config('lock_timeout', %s, true)"


def take_turn(world_id: str, *, wait: bool) -> int:
    """The number of the world's next turn, which is held until the transaction ends, however it ends.

    While another one holds it: EvaluationInProgress, at once or when it was waited for long enough (a web process
    that waits serves nobody else). NotFound without such a world. The lock is the lease, and the database keeps it:
    who dies loses it at once and leaves nothing behind; who was cut off cannot commit.
    """
    return locked(TAKE, world_id, wait)


def hold_turn(world_id: str, *, wait: bool) -> int:
    """The same for what is done before a decision: the turn is held, and not counted."""
    return locked(HOLD, world_id, wait)


def locked(statement: str, world_id: str, wait: bool) -> int:
    try:
        with native_cursor() as cursor:
            if wait:
                before = cursor.execute("SELECT current_setting('lock_timeout')").fetchone()
                cursor.execute(PATIENCE, [f"{settings.EVALUATION_JOIN_SECONDS}s"])
            cursor.execute(statement.format("" if wait else "NOWAIT"), [world_id])
            found = cursor.fetchone()
            if wait:
                cursor.execute(PATIENCE, before)
    except OperationalError as error:
        if is_lock_timeout(error):
            raise EvaluationInProgress(f"World {world_id} is being evaluated; ?wait=true joins") from None
        raise
    if found is None:
        raise NotFound("There is no such world")
    return int(found[0])
