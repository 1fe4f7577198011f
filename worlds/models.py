"""The world and its policy versions."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django_fsm import FSMField, FSMModelMixin, transition

from qmtl_site.blobs.models import Blob
from qmtl_site.ledger.models import AppendOnly


class World(FSMModelMixin, models.Model):
    """A portfolio of strategies with its own policy: the unit of consistency and of sharding."""

    class State(models.TextChoices):
        ACTIVE = "ACTIVE", "active"
        EVALUATION_ONLY = "EVALUATION_ONLY", "evaluation only"
        PAUSED = "PAUSED", "paused"
        RETIRED = "RETIRED", "retired"

    EVALUATED: ClassVar = [State.ACTIVE, State.EVALUATION_ONLY]
    """States in which a world with a policy is on schedule."""

    id = models.CharField(primary_key=True, max_length=128)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="worlds")
    labels = models.JSONField(default=list)
    state = FSMField(default=State.ACTIVE, choices=State.choices, protected=True)
    state_since = models.DateTimeField()
    paused_total = models.DurationField(
        default=timedelta, help_text="Of all pauses that are over; paused time counts for no dwell."
    )
    next_evaluation_at = models.DateTimeField(
        null=True, help_text="Due from then on; null: paused, retired or without a policy."
    )
    last_evaluation_at = models.DateTimeField(null=True)
    last_slot_at = models.DateTimeField(
        null=True, help_text="Start of the newest slot of the schedule in which an evaluation counted."
    )
    decision_stale_at = models.DateTimeField(
        null=True, help_text="When its newest decision is too old to be trusted; null: there is none."
    )
    allow_live = models.BooleanField(default=False)
    allow_live_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Who set it last.",
    )
    circuit_breaker = models.BooleanField(default=False, verbose_name="circuit breaker engaged")
    circuit_breaker_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Who engaged or reset it last.",
    )
    periods_per_year = models.FloatField(default=252.0)
    risk_free_rate = models.FloatField(default=0.0)
    reference_capital = models.DecimalField(max_digits=24, decimal_places=8, default=Decimal(10_000))
    reference_currency = models.CharField(max_length=12, default="USD")
    figures_frozen_at = models.DateTimeField(
        null=True,
        help_text="Since the first evaluated run: periods_per_year, risk_free_rate, reference_capital stay.",
    )
    benchmark_returns = models.ForeignKey(Blob, null=True, on_delete=models.PROTECT, related_name="+")
    benchmark_times = models.ForeignKey(Blob, null=True, on_delete=models.PROTECT, related_name="+")
    data_presets = models.JSONField(default=list)
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        permissions: ClassVar = [
            ("change_world_state", "Can change the state of a world"),
            ("engage_circuit_breaker", "Can engage or reset the circuit breaker of a world"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("id"), name="world_ids_differ_by_more_than_case"),
            models.CheckConstraint(
                condition=Q(id__regex=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$"), name="a_world_id_fits_in_a_url"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["ACTIVE", "EVALUATION_ONLY", "PAUSED", "RETIRED"]),
                name="a_world_is_in_a_known_state",
            ),
            models.CheckConstraint(condition=Q(periods_per_year__gt=0), name="a_year_has_periods"),
            models.CheckConstraint(
                condition=Q(reference_capital__gt=0), name="reference_capital_is_positive"
            ),
            models.CheckConstraint(
                condition=Q(benchmark_returns__isnull=True, benchmark_times__isnull=True)
                | Q(benchmark_returns__isnull=False, benchmark_times__isnull=False),
                name="a_benchmark_has_returns_and_times",
            ),
            models.CheckConstraint(
                condition=Q(next_evaluation_at=None) | Q(state__in=["ACTIVE", "EVALUATION_ONLY"]),
                name="a_world_that_stands_still_is_not_due",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-created_at", "-id"], name="world_newest"),
            models.Index(fields=["state", "-created_at", "-id"], name="world_state_newest"),
            models.Index(fields=["owner", "-created_at", "-id"], name="world_owner_newest"),
            models.Index(
                fields=["next_evaluation_at", "id"],
                condition=Q(next_evaluation_at__isnull=False),
                name="world_due",
            ),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def is_retired(self) -> bool:
        return self.state == self.State.RETIRED

    @transition(state, source=[State.ACTIVE, State.PAUSED], target=State.EVALUATION_ONLY)
    def restrict(self) -> None:
        """Close every gate for real orders; evaluation goes on."""

    @transition(state, source=[State.ACTIVE, State.EVALUATION_ONLY], target=State.PAUSED)
    def pause(self) -> None:
        """Stop evaluating, applying and trading."""

    @transition(state, source=[State.EVALUATION_ONLY, State.PAUSED], target=State.ACTIVE)
    def resume(self) -> None:
        """Back to normal; opens nothing by itself."""

    @transition(state, source=[State.ACTIVE, State.EVALUATION_ONLY, State.PAUSED], target=State.RETIRED)
    def retire(self) -> None:
        """The end: history stays readable."""


class PolicyVersion(FSMModelMixin, models.Model):
    """One version of a world's policy; what moves is its state, its text is a `PolicyText`."""

    class State(models.TextChoices):
        DRAFT = "draft"
        ACTIVE = "active"
        DEPRECATED = "deprecated"

    world = models.ForeignKey(World, on_delete=models.PROTECT, related_name="policies")
    version = models.PositiveIntegerField()
    state = FSMField(default=State.DRAFT, choices=State.choices, protected=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    activated_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "policy version"
        verbose_name_plural = "policies"
        permissions: ClassVar = [("publish_policy", "Can make a policy version the active one")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["world", "version"], name="policy_versions_count_up_per_world"),
            models.UniqueConstraint(
                fields=["world"], condition=Q(state="active"), name="one_active_policy_per_world"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "active", "deprecated"]), name="a_policy_is_in_a_known_state"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["world", "-created_at", "-id"], name="policy_world_newest")]

    def __str__(self) -> str:
        return f"{self.world_id} v{self.version}"

    @transition(state, source=[State.DRAFT, State.DEPRECATED], target=State.ACTIVE)
    def activate(self) -> None:
        """Publish, or roll back to."""

    @transition(state, source=State.ACTIVE, target=State.DEPRECATED)
    def deprecate(self) -> None:
        """Another version takes over."""


class PolicyText(AppendOnly):
    """The text of a policy version as it was written, and its canonical form. Never changes."""

    policy = models.OneToOneField(
        PolicyVersion, primary_key=True, on_delete=models.PROTECT, related_name="text"
    )
    media = models.CharField(max_length=8, choices=[("yaml", "YAML"), ("json", "JSON")])
    source = models.TextField()
    canonical = models.TextField(help_text="JSON with every default written out.")
    checksum = models.CharField(max_length=64, help_text="sha256 of the canonical form.")
    ruleset_hash = models.CharField(max_length=64)

    class Meta:
        verbose_name = "policy text"

    def __str__(self) -> str:
        return f"text of {self.policy_id}"


class BrokerSettings(models.Model):
    """Where a world's live orders go, and the sealed keys to it. A world without a row trades on paper."""

    world = models.OneToOneField(World, primary_key=True, on_delete=models.PROTECT, related_name="broker")
    kind = models.CharField(max_length=16, choices=[("paper", "paper"), ("ccxt", "ccxt")])
    exchange = models.CharField(max_length=64, blank=True, help_text="As ccxt names it.")
    sandbox = models.BooleanField(default=False)
    options = models.JSONField(default=dict)
    paper = models.JSONField(default=dict, help_text="What an execution on paper costs.")
    sealed_credentials = models.BinaryField(null=True, help_text="Encrypted; only a lease holder reads it.")
    credential_names = models.JSONField(default=list)
    credentials_fingerprint = models.CharField(max_length=16, blank=True)
    credentials_set_by = models.CharField(max_length=150, blank=True)
    credentials_set_at = models.DateTimeField(null=True)
    revision = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "broker settings"
        permissions: ClassVar = [("set_credentials", "Can set the credentials of a world's broker")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(kind__in=["paper", "ccxt"]), name="a_broker_is_of_a_known_kind"
            ),
            models.CheckConstraint(
                condition=Q(kind="paper", exchange="") | Q(kind="ccxt") & ~Q(exchange=""),
                name="a_broker_names_its_exchange",
            ),
            models.CheckConstraint(
                condition=Q(sealed_credentials=None) | Q(kind="ccxt"), name="paper_needs_no_credentials"
            ),
        ]

    def __str__(self) -> str:
        return f"broker of {self.world_id}"
