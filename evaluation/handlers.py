"""What follows for evaluation from events: waiting runs are judged."""

from __future__ import annotations

from typing import Any

import structlog
from kombu.exceptions import OperationalError

from evaluation import services, tasks
from evaluation.events import RunUpdated
from qmtl_site.outbox.events import after
from worlds.events import WorldStateChanged

log = structlog.get_logger(__name__)


@after(RunUpdated)
def judge_a_run_that_has_its_results(event: dict[str, Any]) -> None:
    if event["data"]["status"] == "evaluating":
        start(event["data"]["world_id"])


@after(WorldStateChanged)
def judge_what_waited_while_the_world_was_paused(event: dict[str, Any]) -> None:
    if event["data"]["before"] == "PAUSED" and event["data"]["after"] in {"ACTIVE", "EVALUATION_ONLY"}:
        start(event["data"]["world_id"])


def start(world_id: str) -> None:
    """Ask a worker; without the broker the driver, which runs this handler, judges by itself."""
    try:
        tasks.evaluate_waiting.apply_async((world_id,), retry=False)
    except OperationalError as error:
        log.warning("broker.away", error=str(error)[:200], world_id=world_id)
        services.evaluate_waiting(world_id=world_id)
