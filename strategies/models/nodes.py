"""The nodes of a strategy's graph, as its runner reports them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django_fsm import FSMField, FSMModelMixin, transition

from strategies.models.binding import Binding


class Node(FSMModelMixin, models.Model):
    """A node and how far it is. One in `error` keeps its binding to computing until it is reset."""

    class State(models.TextChoices):
        INITIALIZED = "initialized"
        PRE_WARMUP = "pre_warmup"
        ACTIVE = "active"
        COMPLETED = "completed"
        ERROR = "error"

    S = State

    binding = models.ForeignKey(Binding, on_delete=models.PROTECT, related_name="nodes")
    name = models.CharField(max_length=256)
    state = FSMField(default=State.INITIALIZED, choices=State.choices, protected=True)
    state_since = models.DateTimeField()
    period = models.PositiveIntegerField(null=True, help_text="Bars that it needs before it is active.")
    received = models.PositiveIntegerField(default=0, help_text="How many of them have arrived.")
    error = models.CharField(max_length=4000, blank=True, help_text="What went wrong, while it is in error.")
    reported_at = models.DateTimeField()

    class Meta:
        permissions: ClassVar = [("reset_node", "Can reset a node that is in error")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["binding", "name"], name="a_node_is_named_once_per_binding"),
            models.CheckConstraint(
                condition=Q(state__in=["initialized", "pre_warmup", "active", "completed", "error"]),
                name="a_node_is_in_a_known_state",
            ),
            models.CheckConstraint(
                condition=Q(period=None) | Q(received__lte=F("period")),
                name="a_node_receives_at_most_its_period",
            ),
        ]
        indexes: ClassVar = [
            # What masks a gate: nearly always empty, and looked at with every read of a gate.
            models.Index(fields=["binding"], condition=Q(state="error"), name="node_in_error"),
        ]

    def __str__(self) -> str:
        return self.name

    @transition(state, source=S.INITIALIZED, target=S.PRE_WARMUP)
    def warm_up(self) -> None:
        """Its first bars are arriving."""

    @transition(state, source=[S.INITIALIZED, S.PRE_WARMUP], target=S.ACTIVE)
    def activate(self) -> None:
        """It computes."""

    @transition(state, source=[S.INITIALIZED, S.PRE_WARMUP, S.ACTIVE], target=S.COMPLETED)
    def complete(self) -> None:
        """It has seen its last bar."""

    @transition(state, source=[S.INITIALIZED, S.PRE_WARMUP, S.ACTIVE, S.COMPLETED], target=S.ERROR)
    def fail(self) -> None:
        """What it computes cannot be trusted."""

    @transition(state, source=[S.PRE_WARMUP, S.ACTIVE, S.COMPLETED, S.ERROR], target=S.INITIALIZED)
    def reset(self) -> None:
        """Back to the beginning; the only way out of an error."""
