"""What gates were told, when, by whom and why: evidence, read-only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from qmtl_site.pages.badge import badge
from qmtl_site.pages.columns import about, column, moment, number
from qmtl_site.pages.filters import exact
from qmtl_site.pages.window import Window
from strategies.domain.standings import told_to_be
from strategies.models import ActivationRecord


@admin.register(ActivationRecord)
class HistoryAdmin(Window):
    world_path = "binding__world_id"
    list_display = ("strategy", "world", "told_badge", "figure_weight", "by", "policy", "epoch",
                    "at")  # fmt: skip
    list_filter = (exact("world", "binding__world_id"), exact("strategy", "binding__strategy_id"),
                   exact("by", "actor"), exact("decision", "decision_id"), exact("apply", "run_id"))  # fmt: skip
    list_filter_submit = True
    list_select_related = ("binding",)
    search_fields = ("binding__strategy__id__istartswith",)
    search_help_text = "Strategy"
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("binding")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context = {**(extra_context or {}), "title": "What gates were told"}
        response: HttpResponse = super().changelist_view(request, context)
        return response

    at = moment("changed_at", "When")

    @column("Strategy", ordering="binding__strategy_id")
    def strategy(self, record: ActivationRecord) -> str:
        return record.binding.strategy_id

    @column("World", ordering="binding__world_id")
    def world(self, record: ActivationRecord) -> str:
        return record.binding.world_id

    @column("Told to be")
    def told_badge(self, record: ActivationRecord) -> SafeString:
        return badge(told_to_be(record.active, record.freeze))

    @column("Weight")
    def figure_weight(self, record: ActivationRecord) -> SafeString:
        return number(f"{100 * record.weight:.1f} %")

    @column("By, and why")
    def by(self, record: ActivationRecord) -> SafeString:
        return about(record.actor, record.reason)

    @column("Policy")
    def policy(self, record: ActivationRecord) -> str:
        return f"v{record.policy_version}" if record.policy_version else ""

    @column("Epoch")
    def epoch(self, record: ActivationRecord) -> str:
        return f"{record.incarnation}.{record.number}"
