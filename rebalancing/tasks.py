"""Background work of rebalancing."""

from __future__ import annotations

from celery import shared_task

from rebalancing import services


@shared_task(name="rebalancing.settle_executions")
def settle_executions() -> None:
    """Runners report fills as data, not as events: look for those that complete an execution."""
    services.settle_executions()
