"""What follows for evaluation from events: waiting runs are judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

import structlog
from kombu.exceptions import OperationalError

from evaluation import services, tasks
from evaluation.events import DecisionMade, EvaluationRequested, PromotionApproved, RunUpdated
from qmtl_site.audit.actor import Actor
from qmtl_site.outbox.events import after, inside
from strategies.events import ActivationUpdated, ApplyPhaseChanged, BindingStateChanged
from worlds.events import WorldCreated, WorldStateChanged
from worlds.selectors import active_policy

log = structlog.get_logger(__name__)

BROKER_REST_SECONDS = 10.0


@dataclass
class Broker:
    """A broker that did not answer is left alone for a while: each try would cost its time-out."""

    away_until: float = 0.0


broker = Broker()


@inside(WorldCreated)
def give_the_world_its_turn(event: WorldCreated) -> None:
    services.give_turn(event.world_id)


@after(RunUpdated, when=lambda run: run["status"] == "evaluating")
def judge_a_run_that_has_its_results(event: dict[str, Any]) -> None:
    start(event["data"]["world_id"])


@after(
    WorldStateChanged,
    when=lambda world: world["before"] == "PAUSED" and world["after"] in {"ACTIVE", "EVALUATION_ONLY"},
)
def judge_what_waited_while_the_world_was_paused(event: dict[str, Any]) -> None:
    start(event["data"]["world_id"])


@after(WorldStateChanged, when=lambda world: world["after"] == "RETIRED")
def expire_what_a_retired_world_will_not_judge(event: dict[str, Any]) -> None:
    services.expire_open_runs(
        world_id=event["data"]["world_id"], reason="the world is retired", actor=Actor.service("worlds")
    )


@after(DecisionMade)
def apply_what_a_decision_moves(event: dict[str, Any]) -> None:
    services.follow_decision(world_id=event["data"]["world_id"])


@after(PromotionApproved)
def apply_what_was_approved(event: dict[str, Any]) -> None:
    services.follow_approvals(world_id=event["data"]["world_id"])


@after(ApplyPhaseChanged, when=lambda apply: apply["after"] in {"completed", "rolled_back"})
def look_again_when_an_apply_has_ended(event: dict[str, Any]) -> None:
    world_id = event["data"]["world_id"]
    services.run_queued(world_id=world_id)
    if not services.follow_decision(world_id=world_id):
        services.follow_approvals(world_id=world_id)


@inside(ApplyPhaseChanged)
def move_the_runs_of_those_who_come_and_go(event: ApplyPhaseChanged) -> None:
    """Of all of a plan at once: its closings hold from the beginning, its openings from the switch."""
    reason = f"apply {event.run_id}"
    if event.after == "requested":
        services.note_left(world_id=event.world_id, strategies=event.deactivate, reason=reason)
    elif event.after == "switch":
        services.note_live(world_id=event.world_id, strategies=event.activate, reason=reason)


@inside(ActivationUpdated)
def refuse_to_open_by_hand_on_other_data(event: ActivationUpdated) -> None:
    """An apply has looked itself; an operator's act on a single gate has not."""
    if event.active and not event.run_id:
        services.refuse_data(event.world_id, [event.strategy_id], active_policy(event.world_id))


@inside(BindingStateChanged)
def end_the_runs_of_who_is_archived(event: BindingStateChanged) -> None:
    if (event.before, event.after) == ("live", "archived"):
        services.note_left(world_id=event.world_id, strategies=[event.strategy_id], reason=event.reason)


@after(WorldStateChanged, when=lambda world: world["before"] != "ACTIVE" and world["after"] == "ACTIVE")
def run_commands_that_waited_while_the_world_was_paused(event: dict[str, Any]) -> None:
    services.run_queued(world_id=event["data"]["world_id"])


@after(EvaluationRequested)
def evaluate_on_request(event: dict[str, Any]) -> None:
    world_id, by = event["data"]["world_id"], event["data"]["by"]
    ask(tasks.evaluate_world, partial(services.evaluate_on_request, world_id=world_id, by=by), world_id, by)


def start(world_id: str) -> None:
    ask(tasks.evaluate_waiting, partial(services.evaluate_waiting, world_id=world_id), world_id)


def ask(task: Any, instead: Callable[[], object], *arguments: str) -> None:
    """Ask a worker; without the broker the driver, which runs this handler, does it by itself."""
    if monotonic() < broker.away_until:
        instead()
        return
    try:
        task.apply_async(arguments, retry=False)
    except OperationalError as error:
        broker.away_until = monotonic() + BROKER_REST_SECONDS
        log.warning("broker.away", error=str(error)[:200], task=task.name)
        instead()
