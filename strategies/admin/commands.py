"""Commands that wait for their paused world, and what became of those that waited. Read-only."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from qmtl_site.pages.badge import badge
from qmtl_site.pages.columns import about, column, moment, sentence
from qmtl_site.pages.filters import among, exact
from qmtl_site.pages.window import Window
from strategies.models import QueuedCommand

WAITS = {"waits": Q(done_at=None), "done": Q(done_at__isnull=False)}


@admin.register(QueuedCommand)
class QueuedCommandAdmin(Window):
    world_path = "world_id"
    list_display = ("about_what", "world", "state_badge", "by", "came_to", "queued", "done")
    list_filter = (exact("world", "world_id"), among("state", WAITS), exact("strategy", "strategy_id"))
    list_filter_submit = True
    list_select_related = ("world",)
    search_fields = ("strategy__id__istartswith",)
    search_help_text = "Strategy"
    ordering = ("-id",)
    fields: ClassVar = ["world", "strategy", "command", "actor", "reason", "queued", "done", "outcome"]
    readonly_fields = fields

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context = {**(extra_context or {}), "title": "Commands that waited for a paused world"}
        response: HttpResponse = super().changelist_view(request, context)
        return response

    queued = moment("queued_at", "Since")
    done = moment("done_at", "Done")

    @column("Command")
    def about_what(self, row: QueuedCommand) -> str:
        return f"{row.command} {row.strategy_id}"

    @column("State")
    def state_badge(self, row: QueuedCommand) -> SafeString:
        return badge("waits", "warn") if row.done_at is None else badge("done", "mute")

    @column("By, and why")
    def by(self, row: QueuedCommand) -> SafeString:
        return about(row.actor, row.reason)

    @column("Came to")
    def came_to(self, row: QueuedCommand) -> SafeString:
        return sentence(row.outcome)
