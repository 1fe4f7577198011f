"""What processes have counted, summed over all of them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Tally(models.Model):
    """One number of the Prometheus page: of a name with its label values."""

    name = models.CharField(max_length=100)
    labels = models.JSONField(default=dict)
    value = models.FloatField()

    class Meta:
        verbose_name_plural = "tallies"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "labels"], name="a_tally_is_kept_once_per_labels")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.labels}: {self.value}"
