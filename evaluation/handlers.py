"""What follows for evaluation from events: waiting runs are judged."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import Any

import structlog
from kombu.exceptions import OperationalError

from evaluation import services, tasks
from evaluation.events import RunUpdated
from qmtl_site.audit.actor import Actor
from qmtl_site.outbox.events import after
from worlds.events import WorldStateChanged

log = structlog.get_logger(__name__)

BROKER_REST_SECONDS = 10.0


@dataclass
class Broker:
    """A broker that did not answer is left alone for a while: each try would cost its time-out."""

    away_until: float = 0.0


broker = Broker()


@after(RunUpdated)
def judge_a_run_that_has_its_results(event: dict[str, Any]) -> None:
    if event["data"]["status"] == "evaluating":
        start(event["data"]["world_id"])


@after(WorldStateChanged)
def judge_what_waited_while_the_world_was_paused(event: dict[str, Any]) -> None:
    if event["data"]["before"] == "PAUSED" and event["data"]["after"] in {"ACTIVE", "EVALUATION_ONLY"}:
        start(event["data"]["world_id"])


@after(WorldStateChanged)
def expire_what_a_retired_world_will_not_judge(event: dict[str, Any]) -> None:
    if event["data"]["after"] == "RETIRED":
        services.expire_open_runs(
            world_id=event["data"]["world_id"], reason="the world is retired", actor=Actor.service("worlds")
        )


def start(world_id: str) -> None:
    """Ask a worker; without the broker the driver, which runs this handler, judges by itself."""
    if monotonic() < broker.away_until:
        services.evaluate_waiting(world_id=world_id)
        return
    try:
        tasks.evaluate_waiting.apply_async((world_id,), retry=False)
    except OperationalError as error:
        broker.away_until = monotonic() + BROKER_REST_SECONDS
        log.warning("broker.away", error=str(error)[:200], world_id=world_id)
        services.evaluate_waiting(world_id=world_id)
