"""Whose turn it is to decide about a world: one at a time."""

from __future__ import annotations

from django.db import OperationalError

from evaluation.errors import EvaluationInProgress
from evaluation.models import EvaluationTurn

LOCK_NOT_AVAILABLE = "55P03"


def give_turn(world_id: str) -> None:
    """The row of a new world; made with it, as who inserts one first would be waited for like who holds it."""
    EvaluationTurn.objects.create(world_id=world_id)


def take_turn(world_id: str, *, wait: bool) -> EvaluationTurn:
    """The world's turn, held until the transaction ends, however it ends.

    While another one holds it: EvaluationInProgress, or wait for him. The lock is the lease, and the database
    keeps it: who dies loses it at once and leaves nothing behind; who was cut off cannot commit.
    """
    rows = EvaluationTurn.objects.select_for_update(nowait=not wait).filter(pk=world_id)
    try:
        turn = rows.get()
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise EvaluationInProgress(f"World {world_id} is being evaluated; ?wait=true joins") from None
        raise
    turn.fence += 1
    turn.save(update_fields=["fence"])
    return turn
