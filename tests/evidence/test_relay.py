"""The relay brings each committed event to the `after` handlers: at least once, in order per stream."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection

from qmtl_site.outbox.models import DeliveryCursor
from qmtl_site.outbox.relay import relay_all, relay_stream, streams_behind
from tests.evidence.notes import ChangedMyMind, at_once, note, on_delivery

pytestmark = pytest.mark.usefixtures("listening", "committed_once")
_names = (f"relayed-{n}" for n in itertools.count())


class PowerCut(BaseException):
    """What no handler can catch."""


@pytest.fixture
def stream(committed_once: None) -> str:
    """A stream of five events."""
    name = next(_names)
    for number in range(1, 6):
        note(name, str(number))
    return name


@pytest.fixture
def heard(listening: None, stream: str) -> list[int]:
    """Sequences of this test's stream as they are delivered."""
    delivered: list[int] = []

    def hear(event: dict[str, Any]) -> None:
        if event["data"]["world_id"] == stream:
            delivered.append(event["sequence"])

    on_delivery.append(hear)
    return delivered


def at_sequence(number: int, act: Callable[[], Any]) -> Callable[[dict[str, Any]], None]:
    def listener(event: dict[str, Any]) -> None:
        if event["sequence"] == number:
            act()

    return listener


def fail() -> None:
    raise ChangedMyMind


def die() -> None:
    raise PowerCut


def use_the_database_badly() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")


def cursor_of(stream: str) -> int:
    return DeliveryCursor.objects.get(stream=stream).sequence


def test_events_are_delivered_in_order(stream: str, heard: list[int]) -> None:
    assert relay_stream(stream) == 5
    assert heard == [1, 2, 3, 4, 5]


def test_what_was_delivered_is_not_delivered_again(stream: str, heard: list[int]) -> None:
    relay_stream(stream)
    assert relay_stream(stream) == 0
    assert heard == [1, 2, 3, 4, 5]
    assert stream not in streams_behind()


def test_later_events_follow(stream: str, heard: list[int]) -> None:
    relay_all()
    note(stream)
    assert streams_behind() == [stream]
    assert relay_all() == 1
    assert heard == [1, 2, 3, 4, 5, 6]


def test_what_was_rolled_back_is_never_delivered(stream: str, heard: list[int]) -> None:
    with suppress(ChangedMyMind):
        note(stream, fail=True)
    assert relay_stream(stream) == 5
    assert len(heard) == 5


def test_a_relay_that_dies_delivers_again(stream: str, heard: list[int]) -> None:
    deadly = at_sequence(3, die)
    on_delivery.append(deadly)
    with pytest.raises(PowerCut):
        relay_stream(stream)
    on_delivery.remove(deadly)
    assert relay_stream(stream) == 5
    assert heard == [1, 2, 3, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("fault", [fail, use_the_database_badly])
def test_a_handler_that_fails_does_not_stop_later_events(
    stream: str, heard: list[int], fault: Callable[[], None]
) -> None:
    on_delivery.append(at_sequence(2, fault))
    assert relay_stream(stream) == 5
    assert heard == [1, 2, 3, 4, 5]
    assert cursor_of(stream) == 5


def test_what_a_handler_noted_before_it_failed_is_taken_back(stream: str, heard: list[int]) -> None:
    def note_and_fail() -> None:
        DeliveryCursor.objects.create(consumer=f"half done {stream}", stream=stream)
        fail()

    on_delivery.append(at_sequence(2, note_and_fail))
    relay_stream(stream)
    assert not DeliveryCursor.objects.filter(consumer=f"half done {stream}").exists()


@pytest.mark.parametrize("is_new", [True, False], ids=["new stream", "known stream"])
def test_two_relays_do_not_deliver_a_stream_at_the_same_time(
    stream: str, heard: list[int], is_new: bool
) -> None:
    if not is_new:
        DeliveryCursor.objects.create(consumer="handlers", stream=stream)
    busy, overlaps = threading.Lock(), []

    def take_your_time(event: dict[str, Any]) -> None:
        if not busy.acquire(blocking=False):
            overlaps.append(event)
            return
        time.sleep(0.01)
        busy.release()

    on_delivery.append(take_your_time)
    assert at_once(2, lambda _: relay_stream(stream)) == []
    assert (overlaps, heard) == ([], [1, 2, 3, 4, 5])


def test_a_relay_does_not_wait_for_one_that_is_at_work(stream: str, heard: list[int]) -> None:
    DeliveryCursor.objects.create(consumer="handlers", stream=stream)
    inside, counts = threading.Event(), {}
    other_is_done = threading.Event()
    on_delivery.append(at_sequence(1, lambda: (inside.set(), other_is_done.wait(10))))

    def relay(number: int) -> None:
        if number:
            inside.wait(10)
        counts[number] = relay_stream(stream)
        other_is_done.set()

    assert at_once(2, relay) == []
    assert counts == {0: 5, 1: 0}
