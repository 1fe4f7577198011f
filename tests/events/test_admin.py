"""Subscriptions and dead letters in the admin: windows with doors, for the operators of the world."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from qmtl_site.accounts.models import Role
from qmtl_site.accounts.services import grant_role
from qmtl_site.audit.actor import Actor
from qmtl_site.audit.models import AuditEntry
from qmtl_site.delivery.sealing import unseal
from qmtl_site.outbox.models import DeadLetter, DeliveryCursor, OutboxEvent, Subscription
from tests.admin.conftest import Staff, browse
from tests.api import ApiClient

pytestmark = pytest.mark.django_db
ADD = "/admin/outbox/subscription/add/"
GIVEN = {
    "name": "Desk",
    "kind": "webhook",
    "world": "alpha",
    "types": "decision.made, promotion.*",
    "target": "https://127.0.0.1/hook",
    "reason": "the desk wants to know",
}


@pytest.fixture
def boss(superuser: User) -> Client:
    return browse(superuser)


@pytest.fixture
def staff(db: None) -> Staff:
    """`staff("ann", roles=["viewer"])`: the admin pages as somebody with roles in a world."""

    def make(name: str, *, world: str = "alpha", roles: Sequence[str] = ()) -> Client:
        user, _ = User.objects.get_or_create(username=name, defaults={"is_staff": True})
        for role in roles:
            grant_role(user=user, world_id=world, role=Role(role), actor=Actor.service("test"))
        return browse(user)

    return make


@pytest.fixture
def alpha(root: ApiClient, settings: Any) -> str:
    settings.WEBHOOK_ALLOW = ["127.0.0.0/8"]
    return root.make_world("alpha", policy=None)


@pytest.fixture
def made(alpha: str, staff: Staff) -> Subscription:
    staff("olga", roles=["operator"]).post(ADD, GIVEN)
    return Subscription.objects.get()


@pytest.fixture
def letter(made: Subscription) -> DeadLetter:
    event = OutboxEvent.objects.filter(stream="alpha").earliest("sequence")
    return DeadLetter.objects.create(
        subscription=made, stream="alpha", sequence=event.sequence, event_id=event.event_id, type=event.type,
        attempts=5, error="answered 500", died_at=timezone.now(),
    )  # fmt: skip


def page(row: Any, name: str = "change") -> str:
    return f"/admin/outbox/{row._meta.model_name}/{row.pk}/{name}/"


def why(**more: str) -> dict[str, str]:
    return {"_form_submitted": "True", "reason": "because of a test", **more}


def test_an_operator_makes_one_and_sees_its_secret_once(alpha: str, staff: Staff) -> None:
    client = staff("olga", roles=["operator"])
    answer = client.post(ADD, GIVEN)
    secret = re.search(r"whsec_[\w+/=]+", answer.content.decode())
    subscription = Subscription.objects.get()
    assert secret is not None
    assert unseal(bytes(subscription.secret)) == secret[0]
    assert "no-store" in answer["Cache-Control"]
    assert "whsec_" not in client.get(page(subscription)).content.decode()
    assert subscription.types == ["decision.made", "promotion.*"]
    entry = AuditEntry.objects.filter(stream="alpha").latest("sequence")
    assert (entry.action, entry.actor) == ("subscription.created", "olga")
    assert "whsec_" not in entry.details
    assert OutboxEvent.objects.filter(stream="alpha").latest("sequence").type == "subscription.updated"


def test_it_begins_with_its_own_making(made: Subscription) -> None:
    newest = OutboxEvent.objects.filter(stream="alpha").latest("sequence")
    assert DeliveryCursor.objects.get(consumer=made.consumer).sequence == newest.sequence - 1


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"target": "https://10.0.0.1/"}, "internal"),
        ({"target": "http://127.0.0.1/"}, "https"),
        ({"kind": "notification", "target": "json://127.0.0.1/"}, "none of"),
        ({"kind": "notification", "target": "slack://"}, "not complete"),
        ({"types": "no.such"}, "no type of event"),
        ({"world": "nonesuch"}, "not yours"),
        ({"world": ""}, "not yours"),
        ({"reason": ""}, "required"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(
    alpha: str,
    staff: Staff,
    changed: dict[str, str],
    words: str,
) -> None:
    answer = staff("olga", roles=["operator"]).post(ADD, {**GIVEN, **changed})
    assert words in answer.content.decode()
    assert not Subscription.objects.exists()


@pytest.mark.parametrize("role", ["viewer", "submitter", "runner", "risk"])
def test_other_roles_look_and_change_nothing(made: Subscription, staff: Staff, role: str) -> None:
    client = staff("vic", roles=[role])
    assert client.get(page(made)).status_code == 200
    assert client.post(ADD, GIVEN).status_code == 403
    for name in ("pause", "remove", "replay_all", "secret"):
        assert client.post(page(made, name), why()).status_code == 403
    made = Subscription.objects.get()
    assert made.state == "active"


def test_whoever_has_no_role_in_the_world_sees_nothing(
    made: Subscription,
    letter: DeadLetter,
    root: ApiClient,
    staff: Staff,
) -> None:
    root.make_world("other", policy=None)
    client = staff("eve", world="other", roles=["owner"])
    for row in (made, letter):
        assert client.get(page(row)).status_code in {302, 403}
        name = row._meta.model_name
        assert list(client.get(f"/admin/outbox/{name}/").context["cl"].queryset) == []


def test_only_superusers_see_and_make_those_of_all_worlds(boss: Client, alpha: str, staff: Staff) -> None:
    boss.post(ADD, {**GIVEN, "world": ""})
    made = Subscription.objects.get()
    assert made.stream == ""
    assert staff("olga", roles=["operator"]).get(page(made)).status_code in {302, 403}
    assert boss.get(page(made)).status_code == 200


def test_doors_move_it_with_a_reason(boss: Client, made: Subscription) -> None:
    states = []
    for name in ("pause", "resume", "remove"):
        boss.post(page(made, name), why())
        states.append(Subscription.objects.get().state)
    assert states == ["paused", "active", "removed"]
    acts = (
        AuditEntry.objects.filter(object_type="subscription").order_by("id").values_list("action", flat=True)
    )
    assert list(acts) == [f"subscription.{act}" for act in ("created", "paused", "resumed", "removed")]
    shown = boss.get(page(made)).content.decode()
    assert "Pause" not in shown


def test_a_new_secret_is_shown_once(boss: Client, made: Subscription) -> None:
    before = bytes(made.secret)
    assert boss.get(page(made, "secret")).status_code == 200
    assert "whsec_" in boss.post(page(made, "secret"), why()).content.decode()
    assert bytes(Subscription.objects.get().secret) != before


def test_a_dead_letter_is_replayed_by_its_dialog(boss: Client, letter: DeadLetter) -> None:
    assert "answered 500" in boss.get(page(letter)).content.decode()
    assert boss.get(page(letter, "replay")).status_code == 200
    assert DeadLetter.objects.get().state == "dead"
    boss.post(page(letter, "replay"), why())
    again = DeadLetter.objects.get()
    assert (again.state, again.attempts, again.replays) == ("waiting", 0, 1)
    assert "Try it again" not in boss.get(page(letter)).content.decode()


def test_all_dead_letters_are_replayed_by_one_door(boss: Client, letter: DeadLetter) -> None:
    boss.post(page(letter.subscription, "replay_all"), why())
    assert DeadLetter.objects.get().state == "waiting"


def test_the_command_lists_and_replays(letter: DeadLetter, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("dead_letters")
    assert "answered 500" in capsys.readouterr().out
    with pytest.raises(CommandError, match="--reason"):
        call_command("dead_letters", replay=True)
    call_command("dead_letters", replay=True, subscription=letter.subscription_id, reason="mended")
    assert DeadLetter.objects.get().state == "waiting"
    with pytest.raises(CommandError, match="no dead letter"):
        call_command("dead_letters", replay=True, subscription=letter.subscription_id, reason="mended")


def test_the_database_keeps_lifecycles_and_what_things_are(letter: DeadLetter) -> None:
    with pytest.raises(IntegrityError, match="does not"), transaction.atomic():
        DeadLetter.objects.update(state="delivered")
    with pytest.raises(IntegrityError, match="does not change"), transaction.atomic():
        DeadLetter.objects.update(sequence=99)
    with pytest.raises(IntegrityError, match="does not change"), transaction.atomic():
        Subscription.objects.update(stream="")
    with pytest.raises(IntegrityError, match="not deleted"), transaction.atomic():
        letter.delete()


def test_the_metrics_page_tells_of_lag_and_dead_letters(letter: DeadLetter, anonymous: ApiClient) -> None:
    text = anonymous.get("/metrics").content.decode()
    consumer = letter.subscription.consumer
    assert f'qmtl_dead_letters{{consumer="{consumer}"}} 1.0' in text
    assert f'qmtl_outbox_lag_events{{consumer="{consumer}"}} 1.0' in text
    for name in ("qmtl_outbox_lag_seconds", "qmtl_outbox_lag_events"):
        for consumer in ("handlers", "redis"):
            assert re.search(rf'^{name}{{consumer="{consumer}"}} \d', text, re.M)
