"""Execution of a plan: its orders, each with its own life."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django_fsm import FSMField, FSMModelMixin, transition

from rebalancing.models.plans import DIGITS, PLACES, PlanRecord
from worlds.models import World


class Execution(FSMModelMixin, models.Model):
    """What became of a plan, once and for all. Begun, it is completed when each of its orders is filled, and cancelled
    when a person ends it; withdrawn, it never begins."""

    class State(models.TextChoices):
        RUNNING = "running"
        CANCELLING = "cancelling"
        COMPLETED = "completed"
        CANCELLED = "cancelled"
        WITHDRAWN = "withdrawn"

    S = State

    plan = models.OneToOneField(
        PlanRecord, primary_key=True, on_delete=models.PROTECT, related_name="execution"
    )
    state = FSMField(default=State.RUNNING, choices=State.choices, protected=True)
    actor = models.CharField(max_length=150, help_text="Who began it, or withdrew it.")
    started_at = models.DateTimeField(null=True, help_text="Empty: it never was, the plan was withdrawn.")
    updated_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True, help_text="When somebody asked for it to be cancelled.")
    cancelled_by = models.CharField(max_length=150, blank=True)
    cancel_reason = models.CharField(max_length=2000, blank=True)
    looked_at = models.DateTimeField(null=True, help_text="When it was last gone on with in the background.")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state="running", completed_at=None, cancelled_at=None)
                | Q(
                    state__in=["cancelling", "cancelled", "withdrawn"],
                    completed_at=None,
                    cancelled_at__isnull=False,
                )
                | Q(state="completed", completed_at__isnull=False),
                name="an_execution_runs_or_says_when_it_ended",
            ),
            models.CheckConstraint(
                condition=Q(state="withdrawn", started_at=None)
                | (~Q(state="withdrawn") & Q(started_at__isnull=False)),
                name="only_a_plan_that_never_began_is_withdrawn",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["looked_at"], condition=Q(state__in=["running", "cancelling"]), name="execution_open"
            )
        ]

    def __str__(self) -> str:
        return f"execution of {self.plan_id}"

    @classmethod
    def of_withdrawn(cls, plan: PlanRecord, *, by: str, reason: str, at: datetime) -> Execution:
        """Its key is the plan's: what is withdrawn never begins, and what has begun is never withdrawn."""
        told = {"cancelled_by": by, "cancel_reason": reason, "cancelled_at": at}
        return cls(plan=plan, state=cls.State.WITHDRAWN, actor=by, updated_at=at, **told)

    @property
    def is_open(self) -> bool:
        """Whether orders of it may still be sent, or filled."""
        return self.state in OPEN

    @transition(state, source=[S.RUNNING, S.CANCELLING], target=State.COMPLETED)
    def complete(self) -> None:
        """Every order is filled, the last ones perhaps while they were taken back."""

    @transition(state, source=S.RUNNING, target=State.CANCELLING)
    def withdraw(self) -> None:
        """Nothing more is sent; what is with a runner is to be taken back, and may still be filled."""

    @transition(state, source=[S.RUNNING, S.CANCELLING], target=State.CANCELLED)
    def cancel(self) -> None:
        """No order of it can be filled any more."""


OPEN = (Execution.State.RUNNING, Execution.State.CANCELLING)


class ExecutionWorld(models.Model):
    """That an execution trades in a world: nobody else does until it has ended. Two plans of one start would trade
    the same difference twice."""

    execution = models.ForeignKey(Execution, on_delete=models.PROTECT, related_name="held_worlds")
    world = models.ForeignKey(World, on_delete=models.PROTECT, related_name="+")
    released_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["world"], condition=Q(released_at=None), name="one_open_execution_per_world"
            ),
            models.UniqueConstraint(fields=["execution", "world"], name="an_execution_holds_a_world_once"),
        ]

    def __str__(self) -> str:
        return f"{self.world_id} held by {self.execution_id}"


STATUSES = ["new", "refused", "handed", "filled", "rejected", "cancelling", "cancelled"]


class Order(FSMModelMixin, models.Model):
    """One order of an execution. Quantity is positive; a fill is booked to `parts`, `[{world_id, strategy_id, qty}]`."""

    class Status(models.TextChoices):
        NEW = "new"
        REFUSED = "refused"
        HANDED = "handed"
        FILLED = "filled"
        REJECTED = "rejected"
        CANCELLING = "cancelling"
        CANCELLED = "cancelled"

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
                condition=Q(status__in=STATUSES),
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
        indexes: ClassVar = [models.Index(fields=["execution", "status", "place"], name="orders_by_status")]

    def __str__(self) -> str:
        return f"{self.side} {self.qty} {self.symbol}"

    @transition(status, source=S.NEW, target=S.REFUSED)
    def refuse(self) -> None:
        """It opens a position, and a gate is closed; it may be tried again."""

    @transition(status, source=[S.NEW, S.REFUSED], target=S.HANDED)
    def hand(self) -> None:
        """The executing runner has it; its fills come back."""

    @transition(status, source=[S.NEW, S.REFUSED, S.HANDED, S.CANCELLING], target=S.FILLED)
    def fill(self) -> None:
        """All of it is executed, and booked."""

    @transition(status, source=[S.NEW, S.REFUSED, S.HANDED], target=S.REJECTED)
    def reject(self) -> None:
        """The broker does not take it."""

    @transition(status, source=S.HANDED, target=S.CANCELLING)
    def withdraw(self) -> None:
        """The runner is to take it back; until that is known it may be filled."""

    @transition(status, source=[S.NEW, S.REFUSED, S.HANDED, S.CANCELLING], target=S.CANCELLED)
    def cancel(self) -> None:
        """It was not sent, or was taken back; what was filled of it stays."""


TRADED = Q(status=Order.Status.FILLED) | Q(filled_qty__gt=0) | ~Q(executor="")
"""Orders that have moved a position, or may have: a runner had them."""
