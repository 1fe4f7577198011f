"""Evaluation runs: what moves (the run) and what never does (its input, result, snapshot, revisions)."""

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


class EvaluationRun(FSMModelMixin, models.Model):
    """One submission of a strategy's record to a world, on its way to a verdict."""

    class Stage(models.TextChoices):
        BACKTEST = "backtest"
        PAPER = "paper"
        LIVE = "live"

    class Status(models.TextChoices):
        SUBMITTED = "submitted"
        BACKTEST_RUNNING = "backtest_running"
        EVALUATING = "evaluating"
        EVALUATED = "evaluated"
        ACTIVATED = "activated"
        REJECTED = "rejected"
        EXPIRED = "expired"

    S = Status
    OPEN: ClassVar = [S.SUBMITTED, S.BACKTEST_RUNNING, S.EVALUATING]
    AWAITING_RESULTS: ClassVar = [S.SUBMITTED, S.BACKTEST_RUNNING]

    world = models.ForeignKey(World, on_delete=models.PROTECT, related_name="runs")
    strategy = models.ForeignKey(Strategy, on_delete=models.PROTECT, related_name="runs")
    run_id = models.CharField(max_length=128)
    stage = models.CharField(max_length=16, choices=Stage.choices)
    status = FSMField(default=Status.SUBMITTED, choices=Status.choices, protected=True)
    status_reason = models.CharField(max_length=500, blank=True)
    request_hash = models.CharField(
        max_length=64, help_text="What created it; the same again is the same run."
    )
    strategy_version = models.PositiveIntegerField()
    code_hash = models.CharField(max_length=128, blank=True)
    model_card_version = models.CharField(max_length=128, blank=True)
    family_key = models.CharField(max_length=200)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    evaluated_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "evaluation run"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["world", "strategy", "run_id"], name="a_run_id_is_used_once_per_world_and_strategy"
            ),
            models.CheckConstraint(
                condition=Q(run_id__regex=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$")
                & ~Q(run_id__iexact="latest"),
                name="a_run_id_fits_in_a_url_and_is_not_latest",
            ),
            models.CheckConstraint(
                condition=Q(stage__in=["backtest", "paper", "live"]), name="a_run_has_a_known_stage"
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "submitted",
                        "backtest_running",
                        "evaluating",
                        "evaluated",
                        "activated",
                        "rejected",
                        "expired",
                    ]
                ),
                name="a_run_is_in_a_known_status",
            ),
            models.CheckConstraint(
                condition=Q(evaluated_at__isnull=False)
                | ~Q(status__in=["evaluated", "activated", "rejected"]),
                name="a_judged_run_says_when",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["world", "strategy", "-created_at", "-id"], name="run_binding_newest"),
            models.Index(
                fields=["world", "strategy", "stage", "-evaluated_at"], name="run_binding_stage_judged"
            ),
            models.Index(fields=["-created_at", "-id"], name="run_newest"),
            models.Index(
                fields=["world", "updated_at"],
                condition=Q(status="evaluating"),
                name="run_waiting_for_judgement",
            ),
            models.Index(
                fields=["updated_at"],
                condition=Q(status__in=["submitted", "backtest_running", "evaluating"]),
                name="run_open_by_progress",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.world_id}/{self.strategy_id}/{self.run_id}"

    @property
    def phase(self) -> str | None:
        """Which part of the work is going on: the strategy's own, or the service's."""
        return {"backtest_running": "backtest", "evaluating": "evaluate"}.get(self.status)

    @transition(status, source=S.SUBMITTED, target=S.BACKTEST_RUNNING)
    def start_backtest(self) -> None:
        """The strategy's side produces returns."""

    @transition(status, source=[S.SUBMITTED, S.BACKTEST_RUNNING], target=S.EVALUATING)
    def start_evaluation(self) -> None:
        """Results are in."""

    @transition(status, source=S.EVALUATING, target=S.EVALUATED)
    def finish(self) -> None:
        """The result is written and final."""

    @transition(status, source=S.EVALUATED, target=S.ACTIVATED)
    def activate(self) -> None:
        """Applied in the world on the strength of this run."""

    @transition(status, source=S.EVALUATED, target=S.REJECTED)
    def reject(self) -> None:
        """Judged and not to be activated."""

    @transition(status, source=[*OPEN, S.EVALUATED, S.ACTIVATED, S.REJECTED], target=S.EXPIRED)
    def expire(self) -> None:
        """Superseded, or past its time."""


class RunInput(AppendOnly):
    """What the caller sent. Series are float64 arrays by content hash."""

    run = models.OneToOneField(
        EvaluationRun, primary_key=True, on_delete=models.PROTECT, related_name="input"
    )
    request_hash = models.CharField(max_length=64)
    document = models.TextField(help_text="JSON: everything but the series.")
    times = models.ForeignKey(Blob, null=True, on_delete=models.PROTECT, related_name="+")
    returns = models.ForeignKey(Blob, null=True, on_delete=models.PROTECT, related_name="+")
    equity = models.ForeignKey(Blob, null=True, on_delete=models.PROTECT, related_name="+")
    benchmark_times = models.ForeignKey(Blob, null=True, on_delete=models.PROTECT, related_name="+")
    benchmark_returns = models.ForeignKey(Blob, null=True, on_delete=models.PROTECT, related_name="+")
    received_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"input of run {self.run_id}"


class RunResult(AppendOnly):
    """The finished metrics document of a run, as it is served."""

    run = models.OneToOneField(
        EvaluationRun, primary_key=True, on_delete=models.PROTECT, related_name="result"
    )
    document = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    summary = models.TextField(help_text="JSON")
    verdict = models.CharField(max_length=16)
    recommended_stage = models.CharField(max_length=32)
    policy_version = models.PositiveIntegerField(null=True)
    ruleset_hash = models.CharField(max_length=64, blank=True)
    snapshot_name = models.CharField(max_length=420)
    evaluated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(verdict__in=["pass", "warn", "fail", "inconclusive"]),
                name="a_result_has_a_known_verdict",
            )
        ]

    def __str__(self) -> str:
        return f"result of run {self.run_id}"


class RunRevision(AppendOnly):
    """Later knowledge about a run: overrides, extended validation, post-mortems. Appended, never merged in."""

    run = models.ForeignKey(EvaluationRun, on_delete=models.PROTECT, related_name="revisions")
    revision = models.PositiveIntegerField()
    kind = models.CharField(max_length=32)
    author = models.CharField(max_length=150)
    document = models.TextField(help_text="JSON")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "revision"], name="revisions_of_a_run_count_up")
        ]

    def __str__(self) -> str:
        return f"revision {self.revision} of run {self.run_id}"


class Snapshot(AppendOnly):
    """The metrics document with series heads and storage references: an envelope to keep and to hand on."""

    run = models.OneToOneField(
        EvaluationRun, primary_key=True, on_delete=models.PROTECT, related_name="snapshot"
    )
    world = models.ForeignKey(World, on_delete=models.PROTECT, related_name="snapshots")
    strategy = models.ForeignKey(Strategy, on_delete=models.PROTECT, related_name="snapshots")
    name = models.CharField(max_length=420)
    document = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    returns_parquet = models.ForeignKey(Blob, null=True, on_delete=models.PROTECT, related_name="+")
    pnl_parquet = models.ForeignKey(Blob, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["world", "name"], name="a_snapshot_name_is_used_once_per_world")
        ]
        indexes: ClassVar = [
            models.Index(fields=["world", "-created_at", "-run"], name="snapshot_world_newest"),
            models.Index(
                fields=["world", "strategy", "-created_at", "-run"], name="snapshot_strategy_newest"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Trial(AppendOnly):
    """One distinct backtest that the service has seen: the trials that deflate a family's Sharpe."""

    key = models.CharField(
        primary_key=True, max_length=64, help_text="sha256 of family, strategy, code, data, returns."
    )
    family_key = models.CharField(max_length=200)
    sharpe_per_period = models.FloatField(null=True)
    first_seen_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["family_key"], include=["sharpe_per_period"], name="trial_family_sharpes")
        ]

    def __str__(self) -> str:
        return self.key


class CohortMember(models.Model):
    """Read model: the newest evaluated backtest of each strategy of a family, over all worlds."""

    family_key = models.CharField(max_length=200)
    strategy = models.ForeignKey(Strategy, on_delete=models.CASCADE, related_name="+")
    times = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    returns = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    evaluated_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["family_key", "strategy"], name="one_cohort_member_per_family_and_strategy"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["family_key", "-evaluated_at"], name="cohort_newest")]

    def __str__(self) -> str:
        return f"{self.strategy_id} of {self.family_key}"
