"""When a world is due: in step with its policy, its state and its evaluations; and how long it has been paused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from qmtl_site.audit.actor import Actor
from tests.api import ApiClient, body
from tests.lifecycles.ledger import ACTOR
from worlds import services
from worlds.models import World
from worlds.schemas import WorldCreate
from worlds.selectors import active_policy, paused_total

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MIDNIGHT = NOON + 12 * HOUR


@pytest.fixture
def clock(superuser: User) -> Iterator[time_machine.Traveller]:
    """It is noon, and there is a world; the clock moves when it is told to."""
    with time_machine.travel(NOON, tick=False) as traveller:
        owner = Actor(user_id=superuser.pk, name="root", is_superuser=True)
        services.create_world(fields=WorldCreate(id="alpha"), actor=owner)
        yield traveller


@pytest.fixture
def daily(clock: time_machine.Traveller) -> time_machine.Traveller:
    """The world has a daily policy and was evaluated at noon."""
    publish(every="1d")
    evaluate()
    return clock


def publish(*, every: str, at_once: bool = True) -> int:
    text = orjson.dumps({"version": 1, "schedule": {"every": every}})
    written = services.write_policy(world_id="alpha", source=text, media="json", actor=ACTOR, publish=at_once)
    return written.version


def note(**given: Any) -> None:
    active = active_policy("alpha")
    assert active is not None
    services.note_evaluation(world=world(), policy=active.policy, **given)


def evaluate(*, counted: bool = True) -> None:
    now = timezone.now()
    note(now=now, slot=now.replace(minute=0), counted=counted)


def move(*path: str) -> None:
    for state in path:
        services.change_world_state(world_id="alpha", state=state, reason="because", actor=ACTOR)


def world() -> World:
    return World.objects.get()


def due() -> datetime | None:
    return world().next_evaluation_at


# --- policies ---------------------------------------------------------------------------------------------
def test_a_world_without_a_policy_is_not_on_schedule(clock: time_machine.Traveller) -> None:
    publish(every="1d", at_once=False)
    assert due() is None


def test_a_fresh_world_is_due_with_its_first_policy(clock: time_machine.Traveller) -> None:
    publish(every="1d")
    assert due() == NOON


def test_an_evaluation_makes_it_due_at_the_next_slot(daily: time_machine.Traveller) -> None:
    assert due() == MIDNIGHT


def test_another_policy_brings_its_schedule(daily: time_machine.Traveller) -> None:
    publish(every="1h")
    assert due() == NOON + HOUR


def test_a_rollback_brings_the_old_schedule_back(daily: time_machine.Traveller) -> None:
    publish(every="1h")
    services.publish_policy(world_id="alpha", version=1, actor=ACTOR)
    assert due() == MIDNIGHT


def test_what_is_due_is_not_put_off_by_another_policy(daily: time_machine.Traveller) -> None:
    daily.move_to(MIDNIGHT + HOUR)
    publish(every="1d")
    assert due() == MIDNIGHT


def test_a_policy_for_a_paused_world_waits_for_its_return(daily: time_machine.Traveller) -> None:
    move("PAUSED")
    publish(every="1h")
    assert due() is None


# --- states -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (["PAUSED"], None),
        (["RETIRED"], None),
        (["PAUSED", "RETIRED"], None),
        (["PAUSED", "ACTIVE"], NOON + HOUR),
        (["PAUSED", "EVALUATION_ONLY"], NOON + HOUR),
        (["EVALUATION_ONLY"], MIDNIGHT),
        (["EVALUATION_ONLY", "ACTIVE"], NOON + HOUR),
        (["EVALUATION_ONLY", "PAUSED"], None),
    ],
)
def test_a_world_that_comes_back_is_due_at_once(
    daily: time_machine.Traveller, path: list[str], expected: datetime | None
) -> None:
    daily.move_to(NOON + HOUR)
    move(*path)
    assert due() == expected


def test_coming_back_without_a_policy_it_is_not_due(clock: time_machine.Traveller) -> None:
    move("PAUSED", "ACTIVE")
    assert due() is None


@pytest.mark.parametrize(("state", "expected"), [("ACTIVE", NOON + HOUR), ("PAUSED", None)])
def test_resetting_the_breaker_asks_for_one_evaluation(
    daily: time_machine.Traveller, state: str, expected: datetime | None
) -> None:
    if state != "ACTIVE":
        move(state)
    risk = Actor(user_id=None, name="service:test", is_superuser=True)
    for engaged, hours in ((True, 0), (False, 1)):
        daily.move_to(NOON + hours * HOUR)
        services.set_circuit_breaker(world_id="alpha", engaged=engaged, reason="because", actor=risk)
    assert due() == expected


# --- evaluations ------------------------------------------------------------------------------------------
def test_only_a_counted_evaluation_moves_the_slot(daily: time_machine.Traveller) -> None:
    daily.move_to(NOON + HOUR)
    evaluate(counted=False)
    assert (world().last_evaluation_at, world().last_slot_at) == (NOON + HOUR, NOON)


def test_the_slot_does_not_go_back_with_another_schedule(daily: time_machine.Traveller) -> None:
    note(now=NOON + HOUR, slot=NOON - 12 * HOUR, counted=True)
    assert world().last_slot_at == NOON


def test_what_was_asked_for_meanwhile_stays_due(daily: time_machine.Traveller) -> None:
    """The evaluation began at noon; the resume came while it went on, and wants one of its own."""
    daily.move_to(NOON + timedelta(seconds=1))
    move("PAUSED", "ACTIVE")
    note(now=NOON, slot=NOON, counted=True)
    assert due() == NOON + timedelta(seconds=1)


def test_a_world_that_was_paused_meanwhile_is_not_due(daily: time_machine.Traveller) -> None:
    move("PAUSED")
    note(now=NOON, slot=NOON, counted=True)
    assert due() is None


def test_missed_slots_are_made_up_once(daily: time_machine.Traveller) -> None:
    daily.move_to(NOON + 72 * HOUR)
    assert due() == MIDNIGHT
    evaluate()
    assert due() == MIDNIGHT + 72 * HOUR


# --- paused time ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("hourly", "hours"),
    [
        (["ACTIVE"], 0),
        (["EVALUATION_ONLY", "ACTIVE"], 0),
        (["PAUSED"], 1),
        (["PAUSED", "ACTIVE"], 1),
        (["PAUSED", "EVALUATION_ONLY", "PAUSED"], 2),
        (["PAUSED", "ACTIVE", "PAUSED", "RETIRED"], 2),
    ],
)
def test_paused_time_adds_up(clock: time_machine.Traveller, hourly: list[str], hours: int) -> None:
    for state in hourly:
        if state != world().state:
            move(state)
        clock.shift(HOUR)
    assert paused_total(world(), timezone.now()) == hours * HOUR


def test_a_clock_that_goes_back_takes_no_paused_time_away(clock: time_machine.Traveller) -> None:
    move("PAUSED")
    clock.shift(-HOUR)
    move("ACTIVE")
    assert world().paused_total == timedelta(0)


def test_the_database_lets_paused_time_only_grow(clock: time_machine.Traveller) -> None:
    World.objects.update(paused_total=HOUR)
    with pytest.raises(IntegrityError, match="paused time only grows"), transaction.atomic():
        World.objects.update(paused_total=timedelta(0))


def test_the_database_keeps_a_paused_world_off_the_schedule(clock: time_machine.Traveller) -> None:
    move("PAUSED")
    with pytest.raises(IntegrityError, match="stands_still_is_not_due"), transaction.atomic():
        World.objects.update(next_evaluation_at=NOON)


# --- as it is shown ---------------------------------------------------------------------------------------
def test_the_api_tells_the_last_and_the_next_evaluation(root: ApiClient) -> None:
    root.make_world()
    shown = body(root.get("/worlds/alpha"))
    assert shown["last_evaluation_at"] is None
    assert datetime.fromisoformat(shown["next_evaluation_at"]) == due()


def test_a_glance_tells_them_too(root: ApiClient) -> None:
    root.make_world()
    evaluate()
    glance = body(root.get("/worlds/alpha/describe"))
    shown = [datetime.fromisoformat(glance[name]) for name in ("last_evaluation", "next_evaluation")]
    assert shown == [world().last_evaluation_at, due()]
