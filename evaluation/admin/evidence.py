"""Snapshots, trials and revisions: lists without any door."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from evaluation.models import RunRevision, Snapshot, Trial
from qmtl_site.pages.columns import column, moment, number, short
from qmtl_site.pages.filters import exact
from qmtl_site.pages.scope import named_url
from qmtl_site.pages.window import Window


@admin.register(Snapshot)
class SnapshotAdmin(Window):
    world_path = "world_id"
    list_display = ("name", "world", "strategy", "run_page", "digest", "created", "json")
    list_filter = (exact("world", "world_id"), exact("strategy", "strategy_id"))
    list_filter_submit = True
    search_fields = ("name__istartswith",)
    ordering = ("-created_at", "-run")
    list_select_related = ("run", "world", "strategy")
    fields = ("name", "world", "strategy", "run_page", "sha256", "created", "json")
    readonly_fields = fields

    created = moment("created_at", "Created")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("document")

    @column("Run")
    def run_page(self, snapshot: Snapshot) -> SafeString:
        url = named_url("evaluation.evaluationrun", snapshot.run_id)
        return format_html('<a class="q-link" href="{}">{}</a>', url, snapshot.run.run_id)

    @column("sha256")
    def digest(self, snapshot: Snapshot) -> SafeString:
        return short(snapshot.sha256)

    @column("Document")
    def json(self, snapshot: Snapshot) -> SafeString:
        url = reverse("admin:evaluation_evaluationrun_snapshot", args=[snapshot.run_id])
        return format_html('<a class="q-link" href="{}">JSON</a>', url)


@admin.register(Trial)
class TrialAdmin(Window):
    """Trials count over all worlds, so only a superuser sees them."""

    list_display = ("family_key", "figure_sharpe", "first_seen", "short_key")
    list_filter = (exact("family", "family_key"),)
    list_filter_submit = True
    search_fields = ("family_key__istartswith",)
    ordering = ("-first_seen_at", "key")

    first_seen = moment("first_seen_at", "First seen")

    @column("Sharpe per period")
    def figure_sharpe(self, trial: Trial) -> SafeString:
        value = trial.sharpe_per_period
        return number("–" if value is None else f"{value:.4f}")

    @column("Key")
    def short_key(self, trial: Trial) -> SafeString:
        return short(trial.key)


@admin.register(RunRevision)
class RunRevisionAdmin(Window):
    world_path = "run__world_id"
    list_display = ("run", "revision", "kind", "author", "created")
    list_filter = (exact("world", "run__world_id"), exact("kind", "kind"))
    list_filter_submit = True
    list_select_related = ("run",)
    ordering = ("-created_at", "-id")

    created = moment("created_at", "Written")
