"""Notification rules: people are told, by services that are allowed, of what they want to know."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from qmtl_site.delivery import notifications, services
from qmtl_site.delivery.errors import DeliveryFailed
from qmtl_site.delivery.lanes import Lane
from qmtl_site.delivery.schemas import SubscriptionFields
from qmtl_site.delivery.turns import take_turn
from qmtl_site.outbox.models import DeliveryCursor, OutboxEvent, Subscription
from tests.events.conftest import Committed
from tests.events.receivers import mail_server
from worlds.schemas import WorldPatch
from worlds.services import update_world


def mail_to(port: int) -> str:
    where = f"127.0.0.1:{port}?smtp=127.0.0.1&mode=insecure"
    return f"mailto://{where}&from={quote('qmtl@example.com')}&to={quote('desk@example.com')}"


def rule(rows: Committed, world: str, target: str, *types: str) -> Lane:
    fields = SubscriptionFields(
        name="desk", kind="notification", world=world, types=list(types), target=target
    )
    made, secret = services.create_subscription(fields=fields, actor=rows.root, reason="a test")
    assert secret == ""
    return Lane(made.consumer, world)


@pytest.fixture
def allowed(settings: Any) -> None:
    settings.WEBHOOK_ALLOW = ["127.0.0.0/8"]


@pytest.mark.usefixtures("allowed")
def test_a_letter_tells_what_happened_and_which_event_it_is(rows: Committed) -> None:
    rows.world("told-by-mail")
    with mail_server() as (port, letters):
        lane = rule(rows, "told-by-mail", mail_to(port), "world.updated")
        update_world(world_id="told-by-mail", fields=WorldPatch(name="Renamed"), actor=rows.root, headers={})
        take_turn(lane)
    event = OutboxEvent.objects.get(stream="told-by-mail", type="world.updated")
    (letter,) = letters
    assert "desk@example.com" in letter
    assert "world updated" in letter
    assert str(event.event_id) in letter.replace("=\n", "").replace("=\r\n", "")
    assert DeliveryCursor.objects.get(consumer=lane.consumer).sequence >= event.sequence


@pytest.mark.usefixtures("allowed")
def test_a_service_that_is_away_is_a_failure(rows: Committed) -> None:
    rows.world("unread")
    lane = rule(rows, "unread", mail_to(1), "subscription.*")
    take_turn(lane)
    cursor = DeliveryCursor.objects.get(consumer=lane.consumer)
    assert cursor.attempts == 1
    assert "did not take it" in cursor.error


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("json://127.0.0.1/", "is none of"),
        ("xml://example.com/", "is none of"),
        ("syslog://", "is none of"),
        ("file:///etc/passwd", "is none of"),
        ("nonsense", "is none of"),
        ("mailto://127.0.0.1:25?from=a@example.com&to=b@example.com", "internal"),
        ("mailtos://user:pass@example.com?smtp=10.0.0.1&to=b@example.com", "internal"),
        ("slack://x", "not complete"),
    ],
)
def test_services_that_are_not_allowed_are_refused(target: str, words: str) -> None:
    with pytest.raises(DeliveryFailed, match=words):
        notifications.shown(target)


def test_what_is_secret_in_an_address_is_sealed_and_not_shown(rows: Committed) -> None:
    rows.world("slacked")
    rule(rows, "slacked", "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#desk")
    made = Subscription.objects.get(stream="slacked")
    documents = OutboxEvent.objects.filter(stream="slacked").values_list("document", flat=True)
    for text in (made.target, repr(bytes(made.secret)), *documents):
        assert "TIiajkdnlazkcOXrIdevi7FQ" not in text
    assert made.target.startswith("slack://T...2/A...D/T...Q/")
