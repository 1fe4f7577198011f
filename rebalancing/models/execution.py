"""Execution of a plan: its orders, each with its own life."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django_fsm import FSMField, FSMModelMixin, transition

from rebalancing.models.plans import DIGITS, PLACES, PlanRecord
from worlds.models import World


class Execution(FSMModelMixin, models.Model):
    """Begun once per plan; it is completed when each of its orders is filled."""

    class State(models.TextChoices):
        RUNNING = "running"
        COMPLETED = "completed"

    plan = models.OneToOneField(
        PlanRecord, primary_key=True, on_delete=models.PROTECT, related_name="execution"
    )
    state = FSMField(default=State.RUNNING, choices=State.choices, protected=True)
    actor = models.CharField(max_length=150, help_text="Who began it.")
    started_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state="running", completed_at=None)
                | Q(state="completed", completed_at__isnull=False),
                name="an_execution_is_running_or_has_completed",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["started_at"], condition=Q(state="running"), name="execution_running")
        ]

    def __str__(self) -> str:
        return f"execution of {self.plan_id}"

    @transition(state, source=State.RUNNING, target=State.COMPLETED)
    def complete(self) -> None:
        """Every order is filled."""


class Order(FSMModelMixin, models.Model):
    """One order of an execution. Quantity is positive; a fill is booked to `parts`, `[{world_id, strategy_id, qty}]`."""

    class Status(models.TextChoices):
        NEW = "new"
        REFUSED = "refused"
        HANDED = "handed"
        FILLED = "filled"
        REJECTED = "rejected"

    S = Status

    execution = models.ForeignKey(Execution, on_delete=models.PROTECT, related_name="orders")
    order_id = models.CharField(max_length=36)
    place = models.PositiveIntegerField(help_text="Reductions come first.")
    world = models.ForeignKey(World, null=True, on_delete=models.PROTECT, related_name="+")
    mode = models.CharField(max_length=8, choices=[("paper", "paper"), ("live", "live")])
    purpose = models.CharField(
        max_length=8, choices=[("reduce", "reduce"), ("cross", "cross"), ("open", "open")]
    )
    symbol = models.CharField(max_length=64)
    venue = models.CharField(max_length=64, blank=True)
    side = models.CharField(max_length=4, choices=[("buy", "buy"), ("sell", "sell")])
    qty = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES)
    mark = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES)
    parts = models.JSONField()
    status = FSMField(default=Status.NEW, choices=Status.choices, protected=True)
    reason = models.CharField(max_length=500, blank=True)
    code = models.CharField(max_length=32, blank=True)
    executor = models.CharField(max_length=200, blank=True)
    filled_qty = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES, default=0)
    average_price = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES, null=True)
    fee = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES, default=0)
    updated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["order_id"], name="an_order_id_is_used_once"),
            models.UniqueConstraint(fields=["execution", "place"], name="orders_of_an_execution_count_up"),
            models.CheckConstraint(
                condition=Q(status__in=["new", "refused", "handed", "filled", "rejected"]),
                name="an_order_is_in_a_known_status",
            ),
            models.CheckConstraint(
                condition=Q(mode__in=["paper", "live"]), name="an_order_is_on_paper_or_live"
            ),
            models.CheckConstraint(
                condition=Q(purpose__in=["reduce", "cross", "open"]), name="an_order_has_a_known_purpose"
            ),
            models.CheckConstraint(condition=Q(side__in=["buy", "sell"]), name="an_order_buys_or_sells"),
            models.CheckConstraint(
                condition=Q(qty__gt=0) | Q(qty=0, purpose="cross"), name="only_a_cross_trades_nothing"
            ),
            models.CheckConstraint(
                # What a runner did in excess has happened; the paper broker does none.
                condition=Q(filled_qty__gte=0) & (Q(filled_qty__lte=models.F("qty")) | Q(mode="live")),
                name="an_order_on_paper_fills_at_most_its_quantity",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.qty} {self.symbol}"

    @transition(status, source=S.NEW, target=S.REFUSED)
    def refuse(self) -> None:
        """It opens a position, and a gate is closed; it may be tried again."""

    @transition(status, source=[S.NEW, S.REFUSED], target=S.HANDED)
    def hand(self) -> None:
        """The executing runner has it; its fills come back."""

    @transition(status, source=[S.NEW, S.REFUSED, S.HANDED], target=S.FILLED)
    def fill(self) -> None:
        """All of it is executed, and booked."""

    @transition(status, source=[S.NEW, S.REFUSED, S.HANDED], target=S.REJECTED)
    def reject(self) -> None:
        """The broker does not take it."""
