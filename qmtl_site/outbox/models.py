"""The outbox, the places up to which its readers have read, and those readers outside who are told of events."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django_fsm import FSMField, FSMModelMixin, transition

from qmtl_site.ledger.models import AppendOnly


class OutboxEvent(AppendOnly):
    """One CloudEvent, numbered without gaps in its stream."""

    stream = models.CharField(max_length=128)
    sequence = models.BigIntegerField()
    event_id = models.UUIDField()
    type = models.CharField(max_length=64)
    subject = models.CharField(max_length=512, blank=True)
    time = models.DateTimeField()
    document = models.TextField(help_text="The CloudEvent as JSON, as it is served and pushed.")

    class Meta:
        verbose_name = "event"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["stream", "sequence"], name="one_event_per_stream_and_sequence"),
            models.UniqueConstraint(fields=["event_id"], name="one_event_per_id"),
        ]
        indexes: ClassVar = [models.Index(fields=["stream", "time"], name="outbox_stream_time")]

    def __str__(self) -> str:
        return f"{self.stream}#{self.sequence} {self.type}"


class DeliveryCursor(models.Model):
    """How far a consumer has handled a stream; outside the outbox, which never changes.

    Those that push to other systems also keep how often they have tried the next event, when they try again, and
    who is at it: a claim that runs out, with a fence that counts claims, so that a late one changes nothing.
    """

    consumer = models.CharField(max_length=64)
    stream = models.CharField(max_length=128)
    sequence = models.BigIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Failed tries of the next event."
    )
    retry_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True, default="", db_default="")
    claimed_until = models.DateTimeField(null=True)
    fence = models.PositiveBigIntegerField(default=0, db_default=0)

    class Meta:
        verbose_name = "delivery cursor"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["consumer", "stream"], name="one_cursor_per_consumer_and_stream")
        ]

    def __str__(self) -> str:
        return f"{self.consumer}@{self.stream}#{self.sequence}"


class Subscription(FSMModelMixin, models.Model):
    """Who is told of events outside of this service, and of which."""

    class Kind(models.TextChoices):
        WEBHOOK = "webhook"
        NOTIFICATION = "notification"

    class State(models.TextChoices):
        ACTIVE = "active"
        PAUSED = "paused"
        REMOVED = "removed"

    S = State

    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    stream = models.CharField("world", max_length=128, blank=True, help_text="Empty: all, and what has none.")
    types = models.JSONField(default=list, help_text="Types or groups like `decision.*`; empty: all.")
    target = models.CharField(max_length=2000, help_text="Where to; without what is secret in it.")
    # Sealed; neither the admin nor any API shows it again.
    secret = models.BinaryField()
    state = FSMField(default=State.ACTIVE, choices=State.choices, protected=True)
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["webhook", "notification"]),
                name="a_subscription_is_of_a_known_kind",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["active", "paused", "removed"]),
                name="a_subscription_is_in_a_known_state",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["stream", "state"], name="subscription_stream_state")]

    def __str__(self) -> str:
        return self.name

    @property
    def consumer(self) -> str:
        """Its name among the readers of the outbox."""
        return f"subscription:{self.pk}"

    @transition(state, source=S.ACTIVE, target=S.PAUSED)
    def pause(self) -> None:
        """Nothing is sent; what happens meanwhile is sent afterwards."""

    @transition(state, source=S.PAUSED, target=S.ACTIVE)
    def resume(self) -> None:
        """Goes on where it stopped."""

    @transition(state, source=[S.ACTIVE, S.PAUSED], target=S.REMOVED)
    def remove(self) -> None:
        """For good; its secret is forgotten, what it did stays readable."""


class DeadLetter(FSMModelMixin, models.Model):
    """An event that a subscription could not be told, after all tries; an operator may have it tried again."""

    class State(models.TextChoices):
        DEAD = "dead"
        WAITING = "waiting"
        DELIVERED = "delivered"

    S = State

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="dead_letters")
    stream = models.CharField("world", max_length=128)
    sequence = models.BigIntegerField()
    event_id = models.UUIDField()
    type = models.CharField(max_length=64)
    state = FSMField(default=State.DEAD, choices=State.choices, protected=True)
    attempts = models.PositiveIntegerField(help_text="Since it was last asked for.")
    error = models.CharField(max_length=500)
    died_at = models.DateTimeField()
    replays = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)
    fence = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = "dead letter"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["subscription", "stream", "sequence"], name="an_event_dies_once_per_subscription"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["dead", "waiting", "delivered"]),
                name="a_dead_letter_is_in_a_known_state",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["subscription", "stream", "sequence"],
                condition=models.Q(state="waiting"),
                name="dead_letter_waiting",
            ),
            models.Index(fields=["stream", "-died_at", "-id"], name="dead_letter_stream_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.stream}#{self.sequence} {self.type}"

    @transition(state, source=S.DEAD, target=S.WAITING)
    def replay(self) -> None:
        """Asked for again."""

    @transition(state, source=S.WAITING, target=S.DEAD)
    def die(self) -> None:
        """All tries failed again."""

    @transition(state, source=S.WAITING, target=S.DELIVERED)
    def deliver(self) -> None:
        """Taken at last."""


class DeliveryCount(models.Model):
    """How often a consumer's deliveries came to a result, counted where it is true: beside the cursor."""

    consumer = models.CharField(max_length=64)
    result = models.CharField(max_length=16)
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = "delivery count"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["consumer", "result"], name="one_count_per_consumer_and_result")
        ]

    def __str__(self) -> str:
        return f"{self.consumer}: {self.count} {self.result}"
