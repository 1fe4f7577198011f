"""Background work of evaluation: one task per world, never one per run."""

from __future__ import annotations

import structlog
from celery import shared_task

from evaluation import services

TICK_SECONDS = 5.0


@shared_task(name="evaluation.evaluate_waiting")
def evaluate_waiting(world_id: str) -> None:
    structlog.contextvars.bind_contextvars(world_id=world_id)
    services.evaluate_waiting(world_id=world_id)


@shared_task(name="evaluation.tick")
def tick() -> None:
    """Ask for the evaluation of every world whose time has come: one task per world."""
    for world_id in services.due_worlds():
        evaluate_due.apply_async((world_id,), expires=TICK_SECONDS)


@shared_task(name="evaluation.evaluate_due")
def evaluate_due(world_id: str) -> None:
    structlog.contextvars.bind_contextvars(world_id=world_id)
    services.evaluate_if_due(world_id=world_id)


@shared_task(name="evaluation.evaluate_world")
def evaluate_world(world_id: str, by: str) -> None:
    structlog.contextvars.bind_contextvars(world_id=world_id)
    services.evaluate_on_request(world_id=world_id, by=by)


@shared_task(name="evaluation.expire_runs")
def expire_runs() -> None:
    services.expire_stale_runs()
