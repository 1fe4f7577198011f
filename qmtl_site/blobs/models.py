"""Content-addressed bytes."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from qmtl_site.ledger.models import AppendOnly


class Blob(AppendOnly):
    """Bytes under their sha256. `data` is empty where they live in the blob store."""

    sha256 = models.CharField(primary_key=True, max_length=64)
    size = models.BigIntegerField()
    data = models.BinaryField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(size__gte=0), name="a_blob_has_a_size"),
            models.CheckConstraint(
                condition=models.Q(sha256__regex=r"^[0-9a-f]{64}$"), name="a_blob_is_named_by_its_hash"
            ),
        ]

    def __str__(self) -> str:
        return self.sha256
