"""Signed webhooks: whole, in order, once per try, and only to where they may go."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from qmtl_site.audit.models import AuditEntry
from qmtl_site.delivery import destination, services, turns
from qmtl_site.delivery.lanes import Lane
from qmtl_site.delivery.schemas import SubscriptionFields
from qmtl_site.delivery.turns import take_turn
from qmtl_site.http.refusals import Invalid
from qmtl_site.outbox import events
from qmtl_site.outbox.models import OutboxEvent, Subscription
from tests.events.conftest import Committed
from tests.events.receivers import NAME, Receiver
from tests.events.webhooks.conftest import cursor_of, push_until, secrets_of
from tests.evidence.notes import note
from tests.waiting import wait_for


# --- what is sent -------------------------------------------------------------------------------------------
def test_the_receiver_verifies_the_signature_with_the_library(
    subscribed: Callable[..., Lane], receiver: Receiver
) -> None:
    lane = subscribed("signed")
    note("signed", "é ✓")
    assert take_turn(lane) >= 1
    (posted,) = receiver.posted
    stored = OutboxEvent.objects.get(stream="signed", type="test.noted")
    known = Webhook(secrets_of[lane.consumer])
    assert known.verify(posted.body, posted.headers) == posted.event
    assert posted.body.decode() == stored.document
    assert posted.headers["webhook-id"] == str(stored.event_id) == posted.event["id"]
    assert posted.headers["content-type"] == "application/cloudevents+json"
    assert posted.headers["host"] == f"{NAME}:{receiver.port}"
    with pytest.raises(WebhookVerificationError):
        known.verify(posted.body + b" ", posted.headers)


def test_events_are_sent_in_order_and_once(subscribed: Callable[..., Lane], receiver: Receiver) -> None:
    lane = subscribed("ordered")
    begin = events.head("ordered")
    for number in range(20):
        note("ordered", str(number))
    push_until(lambda: len(receiver.posted) == 20)
    assert receiver.sequences == list(range(begin + 1, begin + 21))
    wait_for(lambda: cursor_of(lane).sequence == begin + 20)


def test_only_what_it_wants_is_sent(subscribed: Callable[..., Lane], receiver: Receiver) -> None:
    lane = subscribed("picky", "subscription.*")
    note("picky")
    take_turn(lane)
    assert [posted.event["type"] for posted in receiver.posted] == ["subscription.updated"]
    assert cursor_of(lane).sequence == events.head("picky")


def test_one_without_a_world_is_told_of_all(
    rows: Committed, subscribed: Callable[..., Lane], receiver: Receiver
) -> None:
    rows.world("before")
    subscribed("")
    rows.world("after-it")
    for world in ("before", "after-it"):
        note(world)
    push_until(lambda: len(receiver.posted) == 2)
    assert {posted.event["source"] for posted in receiver.posted} == {"/worlds/before", "/worlds/after-it"}


def test_the_secret_is_shown_once_and_nowhere_in_the_clear(
    subscribed: Callable[..., Lane], receiver: Receiver
) -> None:
    lane = subscribed("sealed")
    text = secrets_of[lane.consumer]
    stored = Subscription.objects.get(pk=int(lane.consumer.partition(":")[2]))
    assert text.startswith("whsec_")
    assert text.encode() not in bytes(stored.secret)
    told = [
        *AuditEntry.objects.values_list("details", flat=True),
        *OutboxEvent.objects.values_list("document", flat=True),
    ]
    assert not any(text in each for each in told)


def test_a_changed_secret_signs_from_then_on(
    rows: Committed, subscribed: Callable[..., Lane], receiver: Receiver
) -> None:
    lane = subscribed("changed")
    _, new = services.change_secret(
        subscription_id=int(lane.consumer.partition(":")[2]), actor=rows.root, reason="a test"
    )
    note("changed")
    take_turn(lane)
    Webhook(new).verify(receiver.posted[0].body, receiver.posted[0].headers)


# --- where it may go ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/hook",
        "ftp://hooks.example.com/",
        "https:///hook",
        "https://user:password@hooks.example.com/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.1.2.3/",
        "https://192.168.1.1:8443/",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[fd00::1]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://no-such-name.invalid/",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\r\nX: y",
        "nonsense",
    ],
)
def test_internal_and_unclear_addresses_are_refused(rows: Committed, url: str) -> None:
    fields = SubscriptionFields(name="no", kind="webhook", target=url)
    with pytest.raises(Invalid) as refused:
        services.create_subscription(fields=fields, actor=rows.root, reason="a test")
    assert refused.value.faults[0].pointer == "/target"


def test_one_internal_address_among_others_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [(2, 1, 6, "", (address, 443)) for address in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: both)
    with pytest.raises(turns.DeliveryFailed, match="internal"):
        destination.destination_of("https://two.example.com/")


def test_a_redirect_is_a_failure_and_is_not_followed(
    subscribed: Callable[..., Lane], receiver: Receiver
) -> None:
    receiver.answer = lambda posted: (302, {"Location": receiver.url("/elsewhere")})
    lane = subscribed("redirected")
    note("redirected")
    take_turn(lane)
    assert [posted.path for posted in receiver.posted] == ["/hook"]
    assert "redirects are not followed" in cursor_of(lane).error


def test_a_name_is_looked_up_once_and_the_connection_goes_to_that_address(
    subscribed: Callable[..., Lane],
    receiver: Receiver,
    names: dict[str, list[str]],
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: public when it is checked, internal when it would be connected to."""
    lane = subscribed("rebound")
    note("rebound")
    settings.WEBHOOK_ALLOW = []
    names[NAME] = ["93.184.216.34", "127.0.0.1"]
    genuine, connected_to = socket.create_connection, []

    def network(address: tuple[str, int], *args: Any, **kwargs: Any) -> socket.socket:
        connected_to.append(address[0])
        return genuine(("127.0.0.1", address[1]), *args, **kwargs)

    monkeypatch.setattr(socket, "create_connection", network)
    take_turn(lane)
    assert connected_to == ["93.184.216.34"]
    assert names[NAME] == ["127.0.0.1"]
    assert receiver.posted[0].headers["host"] == f"{NAME}:{receiver.port}"
    note("rebound")
    take_turn(lane)
    assert "internal" in cursor_of(lane).error
    assert len(receiver.posted) == 1


def test_a_certificate_of_another_name_is_refused(
    subscribed: Callable[..., Lane], receiver: Receiver, names: dict[str, list[str]]
) -> None:
    names["other.example.com"] = ["127.0.0.1"]
    lane = subscribed("impostor", target=f"https://other.example.com:{receiver.port}/")
    note("impostor")
    take_turn(lane)
    assert receiver.posted == []
    assert "certificate" in cursor_of(lane).error.lower()
