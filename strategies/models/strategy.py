"""Strategies, as they are registered."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from qmtl_site.http.documents import StoredJSON


class Strategy(models.Model):
    """Registered once; what has a lifecycle is its binding to a world."""

    class Side(models.TextChoices):
        LONG = "long"
        SHORT = "short"
        BOTH = "both"

    id = models.CharField(primary_key=True, max_length=128)
    name = models.CharField(max_length=200)
    version = models.PositiveIntegerField(default=1)
    family = models.CharField(max_length=128, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="strategies")
    tags = models.JSONField(default=list)
    side = models.CharField(max_length=8, choices=Side.choices, default=Side.LONG)
    model_card = models.JSONField(default=dict, decoder=StoredJSON)
    code_hash = models.CharField(max_length=128, blank=True)
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "strategies"
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("id"), name="strategy_ids_differ_by_more_than_case"),
            models.CheckConstraint(
                condition=Q(id__regex=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$"),
                name="a_strategy_id_fits_in_a_url",
            ),
            models.CheckConstraint(
                condition=Q(side__in=["long", "short", "both"]), name="a_strategy_has_a_known_side"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-created_at", "-id"], name="strategy_newest"),
            models.Index(fields=["owner", "-created_at", "-id"], name="strategy_owner_newest"),
            models.Index(fields=["family", "-created_at", "-id"], name="strategy_family_newest"),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def family_key(self) -> str:
        """Whose trials count together: the declared family, else everything of the owner."""
        return f"family:{self.family}" if self.family else f"owner:{self.owner_id}"
