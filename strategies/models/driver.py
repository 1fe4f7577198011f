"""Who drives the applies: one process at a time, known by its fence."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q


class DriverLease(models.Model):
    """The lease of the process that drives applies. `fence` rises whenever another one takes it.

    It guards by its fence, not by its clock: each step of an apply locks this row in share mode and goes on only
    with the fence that stands here.
    """

    name = models.CharField(primary_key=True, max_length=32)
    holder = models.CharField(max_length=300)
    fence = models.PositiveBigIntegerField()
    until = models.DateTimeField(help_text="By the database's clock.")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(fence__gt=0), name="fences_count_from_one")
        ]

    def __str__(self) -> str:
        return f"{self.name} lease {self.fence} of {self.holder}"
