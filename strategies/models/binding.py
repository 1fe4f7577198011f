"""The binding of a strategy to a world, its lifecycle, and what is known of it now."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django_fsm import FSMField, FSMModelMixin, transition

from qmtl_site.blobs.models import Blob
from qmtl_site.http.documents import StoredJSON
from strategies.models.strategy import Strategy
from worlds.models import World


class Binding(FSMModelMixin, models.Model):
    """A strategy in a world."""

    class State(models.TextChoices):
        SUBMITTED = "submitted"
        VALIDATING = "validating"
        REJECTED = "rejected"
        DRY_RUN = "dry_run"
        LIVE = "live"
        INACTIVE = "inactive"
        ARCHIVED = "archived"

    S = State
    NOT_ARCHIVED: ClassVar = [S.SUBMITTED, S.VALIDATING, S.REJECTED, S.DRY_RUN, S.LIVE, S.INACTIVE]

    world = models.ForeignKey(World, on_delete=models.PROTECT, related_name="bindings")
    strategy = models.ForeignKey(Strategy, on_delete=models.PROTECT, related_name="bindings")
    state = FSMField(default=State.SUBMITTED, choices=State.choices, protected=True)
    state_since = models.DateTimeField()
    consecutive_passes = models.PositiveIntegerField(default=0)
    consecutive_failures = models.PositiveIntegerField(default=0)
    passing_since = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    last_counted_run = models.CharField(max_length=128, blank=True)
    last_counted_slot = models.DateTimeField(
        null=True, help_text="Start of the newest schedule slot in which the counters moved."
    )
    measured_revision = models.PositiveBigIntegerField(
        default=0, help_text="Of the reported performance that its newest paper or live run was made from."
    )
    paused_before = models.DurationField(
        default=timedelta, help_text="How long its world had been paused when it entered its state."
    )
    last_outcome = models.CharField(max_length=16, blank=True, help_text="Of the newest decision about it.")
    last_reason = models.CharField(max_length=500, blank=True)
    last_rank = models.PositiveIntegerField(null=True)
    last_score = models.FloatField(null=True)
    judged_code_hash = models.CharField(
        max_length=128, blank=True, help_text="Code of the run it was judged by."
    )
    running_code_hash = models.CharField(
        max_length=128,
        blank=True,
        help_text="Code that a holder of its gate said he runs, and that was not the judged one.",
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["world", "strategy"], name="a_strategy_is_bound_once_per_world"),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "submitted",
                        "validating",
                        "rejected",
                        "dry_run",
                        "live",
                        "inactive",
                        "archived",
                    ]
                ),
                name="a_binding_is_in_a_known_state",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["world", "-created_at", "-id"], name="binding_world_newest"),
            models.Index(fields=["world", "state", "-created_at", "-id"], name="binding_world_state_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.strategy_id} in {self.world_id}"

    @transition(state, source=S.SUBMITTED, target=S.VALIDATING)
    def start_validation(self) -> None:
        """Its first backtest run is being evaluated."""

    @transition(state, source=[S.SUBMITTED, S.VALIDATING], target=S.REJECTED)
    def reject(self) -> None:
        """Fatal defect, or failed validation."""

    @transition(state, source=[S.VALIDATING, S.INACTIVE], target=S.DRY_RUN)
    def start_dry_run(self) -> None:
        """Paper trading, being evaluated for promotion."""

    @transition(state, source=S.DRY_RUN, target=S.LIVE)
    def promote(self) -> None:
        """Real orders may pass its gate; only inside an apply."""

    @transition(state, source=S.LIVE, target=S.DRY_RUN)
    def demote(self) -> None:
        """Back to paper trading; only inside an apply."""

    @transition(state, source=[S.DRY_RUN, S.LIVE], target=S.INACTIVE)
    def deactivate(self) -> None:
        """Stopped; holds no resources. From live: only inside an apply."""

    @transition(state, source=NOT_ARCHIVED, target=S.ARCHIVED)
    def archive(self) -> None:
        """The end. From live: only inside an apply, or with its world."""

    @transition(state, source=[S.REJECTED, S.INACTIVE], target=S.SUBMITTED)
    def resubmit(self) -> None:
        """A new backtest run came."""


class LatestFigures(models.Model):
    """Read model: the newest evaluated figures of a binding, filled by evaluation in its own transaction."""

    binding = models.OneToOneField(Binding, primary_key=True, on_delete=models.CASCADE, related_name="latest")
    run_id = models.CharField(max_length=128)
    stage = models.CharField(max_length=16)
    verdict = models.CharField(max_length=16)
    recommended_stage = models.CharField(max_length=32)
    figures = models.JSONField(default=dict, decoder=StoredJSON)
    times = models.ForeignKey(Blob, null=True, on_delete=models.PROTECT, related_name="+")
    returns = models.ForeignKey(Blob, null=True, on_delete=models.PROTECT, related_name="+")
    evaluated_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "latest figures"

    def __str__(self) -> str:
        return f"figures of {self.binding_id}"
