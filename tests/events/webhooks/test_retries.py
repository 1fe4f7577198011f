"""Deliveries that fail rest, die, and come back when somebody asks; and who works in a lane."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection, connections

from qmtl_site.audit.models import AuditEntry
from qmtl_site.delivery import services, turns
from qmtl_site.delivery.lanes import Claim, Lane, due_lanes
from qmtl_site.delivery.pusher import Pusher
from qmtl_site.delivery.replays import due_replays, try_again
from qmtl_site.delivery.turns import backoff, take_turn
from qmtl_site.outbox import events
from qmtl_site.outbox.models import DeadLetter, DeliveryCount, OutboxEvent, Subscription
from tests.events.conftest import Committed
from tests.events.receivers import NAME, Posted, Receiver, silent_server
from tests.events.webhooks.conftest import cursor_of, push_until
from tests.evidence.notes import at_once, note
from tests.waiting import wait_for


class PowerCut(BaseException):
    """What no handler can catch."""


# --- failures -----------------------------------------------------------------------------------------------
@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When tries were made."""
    moments: list[float] = []
    genuine = turns.send

    def send(subscription: Subscription, event: OutboxEvent) -> None:
        moments.append(time.monotonic())
        genuine(subscription, event)

    monkeypatch.setattr(turns, "send", send)
    return moments


def test_after_five_tries_an_event_is_dead_and_the_next_ones_go_on(
    subscribed: Callable[..., Lane], receiver: Receiver, tried: list[float], settings: Any
) -> None:
    settings.DELIVERY_BACKOFF_SECONDS = 0.01
    receiver.answer = lambda posted: (500 if posted.event["data"]["text"] == "bad" else 200, {})
    lane = subscribed("deadly")
    for text in ("good", "bad", "better"):
        note("deadly", text)
    push_until(lambda: cursor_of(lane).sequence == events.head("deadly"), 20)
    assert [posted.event["data"]["text"] for posted in receiver.posted] == ["good", *["bad"] * 5, "better"]
    assert len({posted.headers["webhook-id"] for posted in receiver.posted[1:6]}) == 1
    letter = DeadLetter.objects.get(stream="deadly")
    assert (letter.state, letter.attempts, letter.error) == ("dead", 5, "answered 500")
    rests = [after - before for before, after in itertools.pairwise(tried[1:6])]
    for number, rest in enumerate(rests):
        assert rest >= 0.01 * 4**number * 0.5
    counts = dict(DeliveryCount.objects.filter(consumer=lane.consumer).values_list("result", "count"))
    assert counts == {"delivered": 2, "failed": 5, "dead": 1}


def test_rests_grow_and_differ(settings: Any) -> None:
    settings.DELIVERY_BACKOFF_SECONDS = 1.0
    for tries, middle in ((1, 1.0), (2, 4.0), (3, 16.0), (4, 64.0)):
        rests = {backoff(tries) for _ in range(50)}
        assert len(rests) > 5
        assert all(middle * 0.5 <= rest <= middle * 1.5 for rest in rests)


def test_a_dead_letter_is_replayed_when_somebody_asks(
    rows: Committed, subscribed: Callable[..., Lane], receiver: Receiver
) -> None:
    receiver.answer = lambda posted: (503, {})
    lane = subscribed("revived")
    note("revived")
    push_until(lambda: DeadLetter.objects.filter(stream="revived", state="dead").exists(), 20)
    letter = DeadLetter.objects.get(stream="revived")
    receiver.posted.clear()
    receiver.answer = lambda posted: (200, {})
    key = letter.subscription_id
    assert services.replay_dead_letters(subscription_id=key, actor=rows.root, reason="mended") == 1
    push_until(lambda: DeadLetter.objects.get(pk=letter.pk).state == "delivered")
    assert receiver.posted[0].headers["webhook-id"] == str(letter.event_id)
    entry = AuditEntry.objects.filter(stream="revived", action="subscription.replayed").get()
    assert (entry.actor, "mended" in entry.details) == ("root", True)
    assert cursor_of(lane).sequence <= events.head("revived")


def test_a_replay_that_fails_five_times_is_dead_again(
    rows: Committed, subscribed: Callable[..., Lane], receiver: Receiver
) -> None:
    receiver.answer = lambda posted: (503, {})
    subscribed("stubborn")
    note("stubborn")
    push_until(lambda: DeadLetter.objects.filter(stream="stubborn", state="dead").exists(), 20)
    letter = DeadLetter.objects.get(stream="stubborn")
    services.replay_dead_letters(
        subscription_id=letter.subscription_id, actor=rows.root, reason="again", letter_id=letter.pk
    )
    receiver.posted.clear()
    push_until(lambda: DeadLetter.objects.get(pk=letter.pk).state == "dead", 20)
    assert len(receiver.posted) == 5
    assert due_replays(10) == []
    assert try_again(letter.pk) is False


def test_a_crash_between_sending_and_marking_sends_the_same_id_again(
    subscribed: Callable[..., Lane], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = subscribed("crashed")
    note("crashed")

    def die(*args: Any) -> None:
        raise PowerCut

    with monkeypatch.context() as patched, suppress(PowerCut):
        patched.setattr(Claim, "advance", die)
        take_turn(lane)
    assert len(receiver.posted) == 1
    take_turn(lane)
    ids = [posted.headers["webhook-id"] for posted in receiver.posted]
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert take_turn(lane) == 0


def test_a_receiver_that_says_nothing_is_left_in_time(
    subscribed: Callable[..., Lane], receiver: Receiver, settings: Any
) -> None:
    settings.WEBHOOK_SECONDS = 0.6
    with silent_server() as port:
        lane = subscribed("mute", target=f"https://{NAME}:{port}/")
        note("mute")
        began = time.monotonic()
        take_turn(lane)
        assert time.monotonic() - began < 3
    assert cursor_of(lane).attempts == 1
    assert cursor_of(lane).error


def test_a_receiver_that_hangs_holds_up_nobody_else(
    subscribed: Callable[..., Lane], receiver: Receiver, settings: Any
) -> None:
    settings.WEBHOOK_SECONDS = 4.0
    with silent_server() as port:
        for number in range(6):
            subscribed(f"hangs-{number}", target=f"https://{NAME}:{port}/")
            note(f"hangs-{number}")
        lane = subscribed("well")
        note("well")
        began = time.monotonic()
        push_until(lambda: receiver.posted)
        assert time.monotonic() - began < 3
    assert receiver.posted[0].event["source"] == "/worlds/well"
    assert lane.stream == "well"


# --- who works ----------------------------------------------------------------------------------------------
def test_two_processes_do_not_work_in_one_lane(subscribed: Callable[..., Lane], receiver: Receiver) -> None:
    lane = subscribed("shared")
    for number in range(10):
        note("shared", str(number))

    def slowly(posted: Posted) -> tuple[int, dict[str, str]]:
        time.sleep(0.01)
        return 200, {}

    receiver.answer = slowly
    assert at_once(3, lambda _: take_turn(lane) and None) == []
    assert receiver.sequences == sorted(set(receiver.sequences))
    assert len(receiver.posted) == 10


def test_a_claim_that_ran_out_moves_nothing(subscribed: Callable[..., Lane], receiver: Receiver) -> None:
    """A process that was stopped wakes up after another one has taken its lane."""
    lane = subscribed("overtaken")
    note("overtaken")
    late = Claim.of(lane)
    assert late is not None
    assert Claim.of(lane) is None
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbox_deliverycursor SET claimed_until = now() WHERE consumer = %s", [lane.consumer]
        )
    take_turn(lane)
    head = cursor_of(lane).sequence
    with pytest.raises(turns.ClaimLost):
        late.advance(1)
    assert cursor_of(lane).sequence == head == events.head("overtaken")


def test_a_paused_one_gets_afterwards_what_happened_meanwhile(
    rows: Committed, subscribed: Callable[..., Lane], receiver: Receiver
) -> None:
    lane = subscribed("paused")
    key = {"subscription_id": int(lane.consumer.partition(":")[2]), "actor": rows.root, "reason": "a test"}
    services.pause_subscription(**key)  # type: ignore[arg-type]
    note("paused")
    assert lane not in due_lanes(100)
    assert take_turn(lane) == 0
    services.resume_subscription(**key)  # type: ignore[arg-type]
    assert lane in due_lanes(100)
    take_turn(lane)
    assert len(receiver.posted) == 1


def test_a_removed_one_is_told_nothing_and_its_secret_is_gone(
    rows: Committed, subscribed: Callable[..., Lane], receiver: Receiver
) -> None:
    lane = subscribed("removed")
    note("removed")
    key = int(lane.consumer.partition(":")[2])
    services.remove_subscription(subscription_id=key, actor=rows.root, reason="a test")
    take_turn(lane)
    assert receiver.posted == []
    assert bytes(Subscription.objects.get(pk=key).secret) == b""


def test_the_pusher_survives_a_lost_database_connection(
    subscribed: Callable[..., Lane], receiver: Receiver
) -> None:
    subscribed("reconnected")
    pusher = Pusher()
    pusher.start()
    time.sleep(0.2)
    connections.close_all()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user"
        )
    note("reconnected")
    try:
        wait_for(lambda: len(receiver.posted) == 1)
    finally:
        pusher.stop()
    assert threading.active_count() < 60
