"""Evaluating worlds when they are due; a missed tick is made up once."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.utils import timezone

from evaluation.events import EvaluationRequested
from evaluation.services.decisions import evaluate_world, paused
from qmtl_site.audit.actor import Actor
from qmtl_site.http.refusals import Conflict
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import emit
from worlds.models import World
from worlds.selectors import worlds_due
from worlds.services import lock_world

log = structlog.get_logger(__name__)

SCHEDULER = Actor.service("schedule")
AT_A_TIME = 500


def due_worlds(*, since_before: datetime | None = None) -> list[str]:
    """Worlds whose time has come (by some moment, now if not said), those that have waited longest first."""
    return [world_id for world_id, _ in worlds_due(since_before or timezone.now(), AT_A_TIME)]


def evaluate_on_request(*, world_id: str, by: str) -> bool:
    """The evaluation that somebody asked for without waiting; False where it is refused by now."""
    try:
        evaluate_world(world_id=world_id, actor=Actor.service(by), wait=True)
    except Conflict as refused:
        log.info("evaluation.refused", world_id=world_id, reason=str(refused))
        return False
    return True


def evaluate_if_due(*, world_id: str) -> bool:
    """Evaluate a world whose time has come; False where somebody else has done it, or does it now."""
    try:
        return _evaluate_due(world_id=world_id)
    except Conflict as refused:
        log.info("evaluation.refused", world_id=world_id, reason=str(refused))
        return False


@use_case
def request_evaluation(*, world_id: str, actor: Actor) -> None:
    """Ask a worker to evaluate; refused at once where it would be refused then."""
    world = lock_world(world_id)
    if world.state == World.State.PAUSED:
        raise paused(world)
    emit(EvaluationRequested(world_id=world_id, by=actor.name))


def _evaluate_due(*, world_id: str) -> bool:
    due = World.objects.filter(pk=world_id).values_list("next_evaluation_at", flat=True).first()
    if due is None or due > timezone.now():
        return False
    evaluate_world(world_id=world_id, actor=SCHEDULER, due_at=due)
    return True
