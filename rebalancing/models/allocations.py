"""How much each world has: the newest word, its history, and the positions that were told with it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from qmtl_site.ledger.models import AppendOnly
from rebalancing.models.plans import DIGITS, PLACES
from worlds.models import World

FRACTION_DIGITS, FRACTION_PLACES = 31, 30


class AllocationState(models.Model):
    """Fraction of equity of a world, and of its strategies (`{strategy: "0.1"}`, exact decimals as text)."""

    allocation = models.DecimalField(max_digits=FRACTION_DIGITS, decimal_places=FRACTION_PLACES)
    strategies = models.JSONField(default=dict)
    total_equity = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES)
    run_id = models.CharField(max_length=128)
    etag = models.CharField(max_length=64)

    class Meta:
        abstract = True


class Allocation(AllocationState):
    """The newest word about a world."""

    world = models.OneToOneField(World, primary_key=True, on_delete=models.PROTECT, related_name="allocation")
    updated_at = models.DateTimeField()

    class Meta:
        permissions: ClassVar = [("rebalance_allocation", "Can plan, apply and execute a rebalancing")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(allocation__gte=0, allocation__lte=1), name="an_allocation_is_a_fraction"
            )
        ]

    def __str__(self) -> str:
        return f"allocation of {self.world_id}"


class AllocationRecord(AppendOnly, AllocationState):
    """What was said once: by a request, or by an execution that met its plan."""

    class Origin(models.TextChoices):
        REQUEST = "request"
        EXECUTION = "execution"

    world = models.ForeignKey(World, on_delete=models.PROTECT, related_name="allocation_records")
    origin = models.CharField(max_length=16, choices=Origin.choices)
    payload_hash = models.CharField(max_length=64)
    actor = models.CharField(max_length=150)
    reason = models.CharField(max_length=2000, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["world", "run_id"], name="a_run_allocates_once_per_world"),
            models.CheckConstraint(
                condition=Q(origin__in=["request", "execution"]), name="an_allocation_has_a_known_origin"
            ),
            models.CheckConstraint(
                condition=Q(allocation__gte=0, allocation__lte=1), name="a_former_allocation_is_a_fraction"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["world", "-at", "-id"], name="allocation_history"),
            models.Index(fields=["run_id"], name="allocation_of_run"),
        ]

    def __str__(self) -> str:
        return f"allocation of {self.world_id} by {self.run_id}"


class PositionSnapshot(AppendOnly):
    """All positions of a world at one time, as they were told or as an execution left them."""

    class Origin(models.TextChoices):
        REQUEST = "request"
        PLAN = "plan"
        EXECUTION = "execution"

    world = models.ForeignKey(World, on_delete=models.PROTECT, related_name="position_snapshots")
    run_id = models.CharField(max_length=128)
    origin = models.CharField(max_length=16, choices=Origin.choices)
    count = models.PositiveIntegerField()
    gross_notional = models.FloatField(help_text="Sum of |qty| x mark, in currency.")
    net_notional = models.FloatField(help_text="Sum of qty x mark, in currency.")
    total_equity = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES)
    positions = models.TextField(
        help_text="JSON: rows of {strategy_id, symbol, venue, qty, mark}, decimals as text."
    )
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["world", "run_id", "origin"], name="a_run_tells_positions_once_per_world"
            ),
            models.CheckConstraint(
                condition=Q(origin__in=["request", "plan", "execution"]),
                name="a_position_snapshot_has_a_known_origin",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["world", "-at", "-id"], name="positions_newest")]

    def __str__(self) -> str:
        return f"positions of {self.world_id} at {self.at}"
