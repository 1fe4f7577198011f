"""Use cases of subscriptions and dead letters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from django.db import connection
from django.db.models import F

from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.delivery import notifications, webhooks
from qmtl_site.delivery.destination import destination_of
from qmtl_site.delivery.errors import DeliveryFailed
from qmtl_site.delivery.events import SubscriptionUpdated
from qmtl_site.delivery.schemas import SubscriptionFields
from qmtl_site.delivery.sealing import fingerprint, seal
from qmtl_site.http.refusals import IllegalTransition, Invalid, NotFound
from qmtl_site.ledger.models import Ledger
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import emit
from qmtl_site.outbox.models import DeadLetter, Subscription

# It is told what happens from now on: the first of it is that it was made.
BEGIN_NOW = """
    INSERT INTO outbox_deliverycursor (consumer, stream, sequence)
    SELECT %s, stream, event_sequence FROM ledger_ledger WHERE %s IN ('', stream)
"""


@use_case
def create_subscription(*, fields: SubscriptionFields, actor: Actor, reason: str) -> tuple[Subscription, str]:
    """A new subscription and, of a webhook, the secret that signs it: shown this once, kept sealed."""
    if fields.world and not Ledger.objects.filter(stream=fields.world).exists():
        raise Invalid.at("/world", f"there is no world {fields.world}")
    target, secret = checked_target(fields)
    subscription = Subscription.objects.create(
        name=fields.name,
        kind=fields.kind,
        stream=fields.world,
        types=fields.types,
        target=target,
        secret=seal(secret),
        created_by=actor.name,
        created_at=datetime.now(UTC),
    )
    with connection.cursor() as cursor:
        cursor.execute(BEGIN_NOW, [subscription.consumer, subscription.stream])
    details = {"target": target, "types": fields.types, "secret": fingerprint(secret)}
    note(subscription, "created", reason, actor, details=details)
    return subscription, secret if fields.kind == "webhook" else ""


def checked_target(fields: SubscriptionFields) -> tuple[str, str]:
    """What is shown of the target, and what is kept secret; Invalid for one that must not be reached."""
    try:
        if fields.kind == "webhook":
            destination_of(fields.target)
            return fields.target, webhooks.new_secret()
        return notifications.shown(fields.target), fields.target
    except DeliveryFailed as error:
        raise Invalid.at("/target", str(error)) from None


@use_case
def pause_subscription(*, subscription_id: int, actor: Actor, reason: str) -> Subscription:
    subscription = locked(subscription_id)
    subscription.pause()
    return saved(subscription, "paused", reason, actor)


@use_case
def resume_subscription(*, subscription_id: int, actor: Actor, reason: str) -> Subscription:
    subscription = locked(subscription_id)
    subscription.resume()
    return saved(subscription, "resumed", reason, actor)


@use_case
def remove_subscription(*, subscription_id: int, actor: Actor, reason: str) -> Subscription:
    subscription = locked(subscription_id)
    subscription.remove()
    subscription.secret = b""
    return saved(subscription, "removed", reason, actor)


@use_case
def change_secret(*, subscription_id: int, actor: Actor, reason: str) -> tuple[Subscription, str]:
    """A new signing secret, in force from the next try on: shown this once."""
    subscription = locked(subscription_id)
    if subscription.kind != Subscription.Kind.WEBHOOK or subscription.state == Subscription.State.REMOVED:
        raise IllegalTransition("Only a webhook that is not removed has a secret to change")
    secret = webhooks.new_secret()
    subscription.secret = seal(secret)
    saved(subscription, "secret_changed", reason, actor, secret=fingerprint(secret))
    return subscription, secret


@use_case
def replay_dead_letters(
    *, subscription_id: int, actor: Actor, reason: str, letter_id: int | None = None
) -> int:
    """Have one dead letter of a subscription, or all of them, tried again; how many."""
    subscription = locked(subscription_id)
    if subscription.state == Subscription.State.REMOVED:
        raise IllegalTransition("The subscription is removed: nobody can be told any more")
    letters = DeadLetter.objects.filter(subscription=subscription, state=DeadLetter.State.DEAD)
    if letter_id is not None:
        letters = letters.filter(pk=letter_id)
    number = letters.update(
        state=DeadLetter.State.WAITING,
        attempts=0,
        retry_at=None,
        claimed_until=None,
        replays=F("replays") + 1,
    )
    if not number:
        raise IllegalTransition("There is no dead letter to replay")
    note(subscription, "replayed", reason, actor, count=number)
    return number


def locked(subscription_id: int) -> Subscription:
    rows = Subscription.objects.select_for_update(no_key=True)
    subscription = rows.filter(pk=subscription_id).first()
    if subscription is None:
        raise NotFound("There is no such subscription")
    return subscription


def saved(subscription: Subscription, act: str, reason: str, actor: Actor, **details: str) -> Subscription:
    subscription.save()
    note(subscription, act, reason, actor, details=details)
    return subscription


def note(
    subscription: Subscription,
    act: str,
    reason: str,
    actor: Actor,
    *,
    count: int = 0,
    details: Mapping[str, object] | None = None,
) -> None:
    """The audit entry and the event of an act."""
    world_id = subscription.stream or None
    record(
        actor,
        f"subscription.{act}",
        object_type="subscription",
        object_id=str(subscription.pk),
        world_id=world_id,
        name=subscription.name,
        kind=subscription.kind,
        reason=reason,
        **({"count": count} if count else {}),
        **(details or {}),
    )
    emit(
        SubscriptionUpdated(
            world_id=world_id,
            subscription_id=subscription.pk,
            name=subscription.name,
            kind=subscription.kind,
            act=act,
            reason=reason,
            count=count,
        )
    )
