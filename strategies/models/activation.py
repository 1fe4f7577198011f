"""Which gates are open: one row a binding that was ever live, its history, and the counter that orders the acts."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from qmtl_site.ledger.models import AppendOnly
from strategies.models.binding import Binding
from strategies.models.strategy import Strategy
from worlds.models import World


class GateAuthority(models.Model):
    """The newest epoch of a world's gates: (incarnation, number).

    `number` rises with each apply and each manual act, `incarnation` with each restore of a backup. An act with an
    older epoch than a gate's own is refused. Whoever changes gates locks this row.
    """

    world = models.OneToOneField(World, primary_key=True, on_delete=models.PROTECT, related_name="authority")
    incarnation = models.PositiveIntegerField(default=1)
    number = models.PositiveBigIntegerField(default=0)
    cross_context_hits = models.PositiveBigIntegerField(
        default=0, help_text="Of runners' caches, since an operator cleared it; above zero nothing opens."
    )

    class Meta:
        verbose_name_plural = "gate authorities"

    def __str__(self) -> str:
        return f"epoch {self.incarnation}.{self.number} of {self.world_id}"


class GateState(models.Model):
    """What a gate is told to be. Whether orders pass is said where it is read: every mask can only close."""

    side = models.CharField(max_length=8, choices=Strategy.Side.choices)
    active = models.BooleanField(default=False)
    weight = models.FloatField(default=0.0)
    freeze = models.BooleanField(default=False)
    drain = models.BooleanField(default=False)
    incarnation = models.PositiveIntegerField()
    number = models.PositiveBigIntegerField()
    sequence = models.PositiveBigIntegerField(help_text="Of the event that told it.")
    run_id = models.CharField(max_length=128, blank=True, help_text="Of the apply that did it.")
    changed_at = models.DateTimeField()

    class Meta:
        abstract = True


class Activation(GateState):
    """The gate of a binding now."""

    binding = models.OneToOneField(
        Binding, primary_key=True, on_delete=models.PROTECT, related_name="activation"
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(weight__gte=0.0, weight__lte=1.0), name="a_weight_is_a_fraction"
            ),
            models.CheckConstraint(
                condition=Q(side__in=["long", "short", "both"]), name="a_gate_has_a_known_side"
            ),
        ]

    def __str__(self) -> str:
        return f"gate of {self.binding_id}"


class ActivationRecord(AppendOnly, GateState):
    """What a gate was told to be, when, by whom and why: what held at any time can be read from here."""

    binding = models.ForeignKey(Binding, on_delete=models.PROTECT, related_name="activation_records")
    mode = models.CharField(max_length=16)
    policy_version = models.PositiveIntegerField(null=True)
    decision_id = models.CharField(max_length=64, blank=True)
    actor = models.CharField(max_length=150)
    reason = models.CharField(max_length=2000)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["binding", "sequence"], name="a_gate_is_told_once_per_sequence")
        ]
        indexes: ClassVar = [models.Index(fields=["binding", "-changed_at", "-id"], name="gate_history")]

    def __str__(self) -> str:
        return f"gate of {self.binding_id} at {self.sequence}"
