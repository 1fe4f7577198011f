"""Plans that were approved, and the worlds that they are about: written once."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from qmtl_site.ledger.models import AppendOnly
from worlds.models import World

DIGITS, PLACES = 38, 18


class PlanRecord(AppendOnly):
    """A plan as it was asked for and answered; the run id names it for all time."""

    run_id = models.CharField(max_length=128)
    payload_hash = models.CharField(max_length=64, help_text="sha256 of what was asked for.")
    schema_version = models.PositiveSmallIntegerField(help_text="As negotiated.")
    mode = models.CharField(max_length=16)
    shared_account = models.BooleanField()
    total_equity = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES)
    order_count = models.PositiveIntegerField()
    turnover = models.FloatField(help_text="Of its orders, in currency.")
    request = models.TextField(help_text="JSON")
    answer = models.TextField(help_text="JSON")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    actor = models.CharField(max_length=150)
    reason = models.CharField(max_length=2000, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "rebalancing"
        permissions: ClassVar = [("execute_planrecord", "Can execute a plan")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run_id"], name="a_run_id_plans_once"),
            models.CheckConstraint(
                condition=Q(mode__in=["scaling", "overlay", "hybrid"]), name="a_plan_has_a_known_mode"
            ),
            models.CheckConstraint(condition=Q(total_equity__gt=0), name="a_plan_divides_some_equity"),
        ]
        indexes: ClassVar = [models.Index(fields=["-created_at", "-id"], name="plan_newest")]

    def __str__(self) -> str:
        return f"rebalancing {self.run_id}"


class PlanWorld(AppendOnly):
    """A world of a plan, with its fractions of equity before and after."""

    plan = models.ForeignKey(PlanRecord, on_delete=models.PROTECT, related_name="worlds")
    world = models.ForeignKey(World, on_delete=models.PROTECT, related_name="rebalancings")
    before = models.FloatField()
    after = models.FloatField()
    etag = models.CharField(  # noqa: DJ001  (none was, and nobody looked, are two things)
        max_length=64,
        null=True,
        help_text="Of the allocation that was stored when it was recorded; empty: none was; null: not kept then.",
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["plan", "world"], name="a_plan_has_a_world_once"),
            models.CheckConstraint(
                condition=Q(before__gte=0, before__lte=1, after__gte=0, after__lte=1),
                name="a_plan_moves_fractions_of_equity",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["world", "-id"], name="plan_of_world")]

    def __str__(self) -> str:
        return f"{self.world_id} in {self.plan_id}"


class Proposal(AppendOnly):
    """What the service would plan, and nobody has approved: after a promotion, where the policy asks for it."""

    world = models.ForeignKey(World, on_delete=models.PROTECT, related_name="rebalancing_proposals")
    origin = models.CharField(max_length=16, choices=[("promotion", "promotion")])
    cause = models.CharField(max_length=128, help_text="Run id of the apply that it follows.")
    request = models.TextField(help_text="JSON, as /rebalancing/plan takes it.")
    answer = models.TextField(help_text="JSON")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["world", "origin", "cause"], name="a_cause_makes_one_proposal_per_world"
            ),
            models.CheckConstraint(condition=Q(origin="promotion"), name="a_proposal_has_a_known_origin"),
        ]
        indexes: ClassVar = [models.Index(fields=["world", "-created_at", "-id"], name="proposal_newest")]

    def __str__(self) -> str:
        return f"proposal for {self.world_id} after {self.cause}"
