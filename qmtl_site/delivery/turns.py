"""One turn in a lane: send what is next, keep what became of it, stop at the first failure."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from qmtl_site.delivery import notifications, webhooks
from qmtl_site.delivery.errors import ClaimLost, DeliveryFailed
from qmtl_site.delivery.lanes import LONGEST_ERROR, Claim, Lane, count
from qmtl_site.delivery.sealing import unseal
from qmtl_site.outbox.models import DeadLetter, OutboxEvent, Subscription

log = structlog.get_logger(__name__)

TRIES = 5
GROWTH = 4.0
BATCH = 200
# After so long a turn ends, so that other lanes of the same threads have theirs.
TURN_SECONDS = 5.0

Send = Callable[[Subscription, OutboxEvent], None]


def backoff(attempts: int) -> float:
    """Seconds to rest after so many failed tries: fourfold each time, and up to half more or less, so that many
    lanes that failed together do not come back together."""
    jitter = 0.5 + secrets.randbelow(1001) / 1000
    return float(settings.DELIVERY_BACKOFF_SECONDS * GROWTH ** (attempts - 1) * jitter)


def send(subscription: Subscription, event: OutboxEvent) -> None:
    """Raises DeliveryFailed, with words that hold no secret."""
    secret = unseal(bytes(subscription.secret))
    try:
        if subscription.kind == Subscription.Kind.WEBHOOK:
            webhooks.post(subscription.target, secret, event)
        else:
            notifications.notify(secret, event)
    except DeliveryFailed:
        raise
    except Exception as error:
        # Of a library: whatever it is, this event is not delivered, and its text may quote an address.
        log.warning("delivery.error", subscription=subscription.pk, error=type(error).__name__)
        raise DeliveryFailed(f"{type(error).__name__} while sending") from None


def wants(subscription: Subscription, event_type: str) -> bool:
    group = f"{event_type.partition('.')[0]}.*"
    return not subscription.types or event_type in subscription.types or group in subscription.types


def take_turn(lane: Lane) -> int:
    """Deliver what is next in a subscription's lane; the number of events that something became of."""
    claim = Claim.of(lane)
    if claim is None:
        return 0
    try:
        return go_on(claim)
    except ClaimLost:
        log.warning("delivery.claim_lost", consumer=lane.consumer, world_id=lane.stream)
        return 0
    finally:
        claim.release()


def go_on(claim: Claim) -> int:
    ends, handled = time.monotonic() + TURN_SECONDS, 0
    began, events = claim.sequence, claim.events(BATCH)
    subscription = subscription_of(claim.lane)
    for event in events:
        if subscription is None or time.monotonic() > ends:
            break
        if not wants(subscription, event.type):
            continue
        handled += 1
        if not try_next(claim, subscription, event):
            return handled
        subscription = subscription_of(claim.lane)  # paused or changed meanwhile: at once
    else:
        if events and events[-1].sequence > claim.sequence:
            claim.advance(events[-1].sequence)  # over those that it does not want
    return handled or (1 if claim.sequence > began else 0)


def subscription_of(lane: Lane) -> Subscription | None:
    key = int(lane.consumer.partition(":")[2])
    return Subscription.objects.filter(pk=key, state=Subscription.State.ACTIVE).first()


def try_next(claim: Claim, subscription: Subscription, event: OutboxEvent) -> bool:
    """Send one event and keep the result; False when the lane has to rest."""
    try:
        send(subscription, event)
    except DeliveryFailed as error:
        return failed(claim, subscription, event, str(error))
    with transaction.atomic():
        claim.advance(event.sequence)
        count(claim.lane.consumer, "delivered")
    return True


def failed(claim: Claim, subscription: Subscription, event: OutboxEvent, error: str) -> bool:
    tries = claim.attempts + 1
    known = {"subscription": subscription.pk, "world_id": event.stream, "sequence": event.sequence}
    with transaction.atomic():
        count(claim.lane.consumer, "failed")
        if tries < TRIES:
            claim.fail(error, rest=backoff(tries))
            log.info("delivery.failed", tries=tries, error=error, **known)
            return False
        bury(subscription, event, tries, error)
        claim.advance(event.sequence)
    log.warning("delivery.dead", error=error, **known)
    return True


def bury(subscription: Subscription, event: OutboxEvent, tries: int, error: str) -> None:
    DeadLetter.objects.get_or_create(
        subscription=subscription,
        stream=event.stream,
        sequence=event.sequence,
        defaults={
            "event_id": UUID(str(event.event_id)),
            "type": event.type,
            "attempts": tries,
            "error": error[:LONGEST_ERROR],
            "died_at": timezone.now(),
        },
    )
    count(subscription.consumer, "dead")
