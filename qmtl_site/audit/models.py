"""The audit table."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from qmtl_site.ledger.models import AppendOnly


class AuditEntry(AppendOnly):
    """One act. `hash` covers every other column and the hash of the entry before it in the same stream."""

    stream = models.CharField(max_length=128)
    sequence = models.BigIntegerField()
    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True, help_text="User; empty for the service itself.")
    actor = models.CharField(max_length=150)
    actor_label = models.CharField(
        max_length=150, blank=True, help_text="X-Actor, a label without authority."
    )
    action = models.CharField(max_length=64)
    object_type = models.CharField(max_length=64)
    object_id = models.CharField(max_length=400)
    details = models.TextField(help_text="JSON.")
    request_id = models.CharField(max_length=64, blank=True)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["stream", "sequence"], name="one_audit_entry_per_stream_and_sequence"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["stream", "at"], name="audit_stream_at"),
            models.Index(fields=["object_type", "object_id"], name="audit_object"),
        ]

    def __str__(self) -> str:
        return f"{self.stream}#{self.sequence} {self.actor}: {self.action} {self.object_id}"
