"""The two-phase apply of a plan, as it is stored between its steps, and who has acknowledged them."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django_fsm import FSMField, FSMModelMixin, transition

from qmtl_site.http.documents import StoredJSON
from qmtl_site.ledger.models import AppendOnly
from strategies.models.gates import GateClient
from worlds.models import World


class Apply(FSMModelMixin, models.Model):
    """A plan on its way to the gates. Each step is a transaction from what is stored here to what is stored next."""

    class Phase(models.TextChoices):
        REQUESTED = "requested"
        FREEZE = "freeze"
        SWITCH = "switch"
        UNFREEZE = "unfreeze"
        COMPLETED = "completed"
        ROLLED_BACK = "rolled_back"

    P = Phase

    world = models.ForeignKey(World, on_delete=models.PROTECT, related_name="applies")
    run_id = models.CharField(max_length=128)
    plan_hash = models.CharField(max_length=64, help_text="sha256 of what was asked for.")
    plan = models.JSONField(decoder=StoredJSON, help_text="Openings and closings by strategy.")
    phase = FSMField(default=Phase.REQUESTED, choices=Phase.choices, protected=True)
    incarnation = models.PositiveIntegerField()
    number = models.PositiveBigIntegerField(help_text="Of its epoch.")
    freeze_sequence = models.PositiveBigIntegerField(null=True)
    unfreeze_sequence = models.PositiveBigIntegerField(null=True)
    deadline = models.DateTimeField(null=True, help_text="Of the present phase, by the database's clock.")
    phase_since = models.DateTimeField()
    decision_id = models.CharField(max_length=64, blank=True)
    policy_version = models.PositiveIntegerField(null=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    actor = models.CharField(max_length=150)
    reason = models.CharField(max_length=2000, blank=True)
    outcome = models.CharField(
        max_length=2000, blank=True, help_text="Why it was rolled back, who was silent."
    )
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "applies"
        permissions: ClassVar = [("request_apply", "Can apply a plan")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["world", "run_id"], name="a_run_id_applies_once"),
            models.UniqueConstraint(
                fields=["world"], condition=Q(settled_at=None), name="one_open_apply_per_world"
            ),
            models.CheckConstraint(
                condition=Q(
                    phase__in=["requested", "freeze", "switch", "unfreeze", "completed", "rolled_back"]
                ),
                name="an_apply_is_in_a_known_phase",
            ),
            models.CheckConstraint(
                condition=Q(phase__in=["completed", "rolled_back"], settled_at__isnull=False)
                | Q(phase__in=["requested", "freeze", "switch", "unfreeze"], settled_at=None),
                name="an_apply_is_settled_when_it_has_ended",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["world", "-created_at", "-id"], name="apply_world_newest"),
            models.Index(fields=["world", "phase", "-created_at", "-id"], name="apply_world_phase_newest"),
            models.Index(fields=["id"], condition=Q(settled_at=None), name="apply_open"),
            models.Index(fields=["decision_id"], name="apply_decision"),
        ]

    def __str__(self) -> str:
        return f"apply {self.run_id} of {self.world_id}"

    @property
    def epoch(self) -> tuple[int, int]:
        return self.incarnation, self.number

    @transition(phase, source=P.REQUESTED, target=P.FREEZE)
    def freeze(self) -> None:
        """Its closings are done; the gates that will open are frozen and their holders asked."""

    @transition(phase, source=P.FREEZE, target=P.SWITCH)
    def switch(self) -> None:
        """Everybody knows: bindings, weights and edges changed at once. From here there is only forward."""

    @transition(phase, source=P.SWITCH, target=P.UNFREEZE)
    def unfreeze(self) -> None:
        """The gates are open; receipts are awaited."""

    @transition(phase, source=P.UNFREEZE, target=P.COMPLETED)
    def complete(self) -> None:
        """The end."""

    @transition(phase, source=[P.REQUESTED, P.FREEZE], target=P.ROLLED_BACK)
    def roll_back(self) -> None:
        """Its openings are abandoned; its closings stay."""


class ApplyAck(AppendOnly):
    """A gate client has seen a phase of an apply."""

    apply = models.ForeignKey(Apply, on_delete=models.PROTECT, related_name="acks")
    client = models.ForeignKey(GateClient, on_delete=models.PROTECT, related_name="acks")
    phase = models.CharField(max_length=16, choices=[("freeze", "freeze"), ("unfreeze", "unfreeze")])
    sequence = models.PositiveBigIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["apply", "client", "phase"], name="a_phase_is_acknowledged_once"),
            models.CheckConstraint(
                condition=Q(phase__in=["freeze", "unfreeze"]), name="a_known_phase_is_acknowledged"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.phase} of {self.apply_id} by {self.client_id}"
