"""The outbox and the places up to which its readers have read."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

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
    """How far a consumer has handled a stream; outside the outbox, which never changes."""

    consumer = models.CharField(max_length=64)
    stream = models.CharField(max_length=128)
    sequence = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = "delivery cursor"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["consumer", "stream"], name="one_cursor_per_consumer_and_stream")
        ]

    def __str__(self) -> str:
        return f"{self.consumer}@{self.stream}#{self.sequence}"
