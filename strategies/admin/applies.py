"""Applies: the list, and an apply as its steps. Read-only: it is the driver that takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from qmtl_site.pages.columns import about, column, moment, number, sentence, state
from qmtl_site.pages.filters import exact, one_of
from qmtl_site.pages.scope import visible
from qmtl_site.pages.window import Window
from strategies.admin.apply_page import apply_page
from strategies.models import Apply


@admin.register(Apply)
class ApplyAdmin(Window):
    world_path = "world_id"
    page_template = "pages/apply.html"
    list_display = ("name", "world", "phase_badge", "figure_moves", "by", "came_to", "begun")
    list_filter = (exact("world", "world_id"), one_of("phase", "phase", Apply.Phase.values),
                   exact("decision", "decision_id"), exact("by", "actor"))  # fmt: skip
    list_filter_submit = True
    search_fields = ("run_id__istartswith",)
    search_help_text = "Run id"
    ordering = ("-created_at", "-id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Apply]:
        return visible(request, Apply.objects.select_related("world"), self.world_path)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context = {**(extra_context or {}), "title": "Applies"}
        response: HttpResponse = super().changelist_view(request, context)
        return response

    phase_badge = state("phase", "Phase", ordering="phase")
    begun = moment("created_at", "Requested")

    @column("Apply")
    def name(self, apply: Apply) -> SafeString:
        return format_html('<span class="q-id" title="{}">{}</span>', apply.run_id, apply.run_id)

    @column("Gates")
    def figure_moves(self, apply: Apply) -> SafeString:
        """How many it opens and closes."""
        return number(f"+{len(apply.plan['openings'])} −{len(apply.plan['closings'])}")

    @column("By, and why", ordering="actor")
    def by(self, apply: Apply) -> SafeString:
        return about(apply.actor, apply.reason)

    @column("Came to")
    def came_to(self, apply: Apply) -> SafeString:
        return sentence(apply.outcome)

    def page(self, request: HttpRequest, row: Apply) -> Mapping[str, Any]:
        return apply_page(row)
