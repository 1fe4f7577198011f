"""Decisions of worlds (evidence), whose turn it is to make one, and promotions that wait for a person."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django_fsm import FSMField, FSMModelMixin, transition

from qmtl_site.blobs.models import Blob
from qmtl_site.ledger.models import AppendOnly
from strategies.models import Strategy
from worlds.models import World


class EvaluationTurn(models.Model):
    """Whoever decides about a world holds this row's lock; the database frees it when he dies.

    `fence` counts the turns. A decision bears the number of its turn, so that one made in a lost turn cannot be
    kept beside a newer one.
    """

    world = models.OneToOneField(World, primary_key=True, on_delete=models.PROTECT, related_name="+")
    fence = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name = "ladder of a world"
        verbose_name_plural = "ladders of worlds"

    def __str__(self) -> str:
        return f"turn {self.fence} of {self.world_id}"


class Decision(AppendOnly):
    """What was decided about a world, word for word, with the inputs that it can be made from again."""

    world = models.ForeignKey(World, on_delete=models.PROTECT, related_name="decisions")
    number = models.PositiveBigIntegerField(help_text="Of the turn in which it was made.")
    decision_id = models.CharField(max_length=64, unique=True)
    policy_version = models.PositiveIntegerField()
    ruleset_hash = models.CharField(max_length=64)
    as_of = models.DateTimeField()
    slot = models.DateTimeField(null=True, help_text="Start of the schedule slot that it counted for.")
    inputs = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    document = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    promoted = models.PositiveIntegerField()
    demoted = models.PositiveIntegerField()
    reopened = models.PositiveIntegerField(default=0)
    made_by = models.CharField(max_length=150)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["world", "number"], name="a_turn_makes_one_decision")
        ]
        indexes: ClassVar = [
            models.Index(fields=["world", "-created_at", "-id"], name="decision_world_newest")
        ]

    def __str__(self) -> str:
        return self.decision_id


class Promotion(FSMModelMixin, models.Model):
    """A promotion that the newest decision asks for and that a person has to approve."""

    class State(models.TextChoices):
        PENDING = "pending"
        APPROVED = "approved"
        REJECTED = "rejected"
        LAPSED = "lapsed"
        APPLIED = "applied"

    S = State

    world = models.ForeignKey(World, on_delete=models.PROTECT, related_name="promotions")
    strategy = models.ForeignKey(Strategy, on_delete=models.PROTECT, related_name="promotions")
    decision = models.ForeignKey(
        Decision,
        on_delete=models.PROTECT,
        related_name="promotions",
        help_text="The newest that asks for it.",
    )
    state = FSMField(default=State.PENDING, choices=State.choices, protected=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    run_id = models.CharField(
        max_length=128,
        blank=True,
        help_text="Run that it rests on: a rejection holds until another one comes.",
    )
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        permissions: ClassVar = [("approve_promotion", "Can approve or reject a promotion")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["world", "strategy"],
                condition=Q(state="pending"),
                name="a_strategy_waits_once_for_its_promotion",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "approved", "rejected", "lapsed", "applied"]),
                name="a_promotion_is_in_a_known_state",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["world", "-created_at", "-id"], name="promotion_world_newest"),
            models.Index(fields=["world", "strategy", "-id"], name="promotion_strategy_newest"),
            models.Index(
                fields=["world", "state", "-created_at", "-id"], name="promotion_world_state_newest"
            ),
        ]

    def __str__(self) -> str:
        return f"promotion of {self.strategy_id} in {self.world_id}"

    @transition(state, source=S.PENDING, target=S.APPROVED)
    def approve(self) -> None:
        """A person lets it go live; the apply opens its gate."""

    @transition(state, source=S.PENDING, target=S.REJECTED)
    def reject(self) -> None:
        """A person does not."""

    @transition(state, source=S.APPROVED, target=S.APPLIED)
    def settle(self) -> None:
        """The strategy went live."""

    @transition(state, source=[S.PENDING, S.APPROVED], target=S.LAPSED)
    def lapse(self) -> None:
        """The newest decision does not ask for it any more."""
