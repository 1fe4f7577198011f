"""Background work of evaluation: one task per world, never one per run."""

from __future__ import annotations

import structlog
from celery import shared_task

from evaluation import services


@shared_task(name="evaluation.evaluate_waiting")
def evaluate_waiting(world_id: str) -> None:
    structlog.contextvars.bind_contextvars(world_id=world_id)
    services.evaluate_waiting(world_id=world_id)


@shared_task(name="evaluation.expire_runs")
def expire_runs() -> None:
    services.expire_stale_runs()
