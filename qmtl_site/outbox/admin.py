"""Events and how far their readers are, read-only."""

from __future__ import annotations

from typing import ClassVar

import orjson
from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from qmtl_site.outbox.models import DeliveryCursor, OutboxEvent
from qmtl_site.pages.columns import column, moment, numbered, one_line
from qmtl_site.pages.filters import exact
from qmtl_site.pages.window import Window


@admin.register(OutboxEvent)
class OutboxEventAdmin(Window):
    world_path = "stream"
    list_display = ("when", "event", "type", "subject", "says")
    list_display_links = ("when", "type")
    list_filter = (exact("stream", "stream", "world"), exact("type", "type"), exact("subject", "subject"))
    list_filter_submit = True
    search_fields = ("subject__istartswith",)
    search_help_text = "Subject"
    ordering = ("-id",)
    fields: ClassVar = ["stream", "sequence", "type", "subject", "when", "event_id", "cloud_event"]
    readonly_fields = fields

    when = moment("time", "When")

    @column("Event")
    def event(self, event: OutboxEvent) -> SafeString:
        return numbered(event.stream, event.sequence)

    @column("Data")
    def says(self, event: OutboxEvent) -> SafeString:
        data = orjson.loads(event.document)["data"]
        return one_line(
            ", ".join(f"{k}: {v}" for k, v in data.items() if k != "world_id" and v not in (None, ""))
        )

    @column("CloudEvent")
    def cloud_event(self, event: OutboxEvent) -> SafeString:
        text = orjson.dumps(orjson.loads(event.document), option=orjson.OPT_INDENT_2).decode()
        return format_html('<pre class="q-pre">{}</pre>', text)


@admin.register(DeliveryCursor)
class DeliveryCursorAdmin(Window):
    world_path = "stream"
    list_display = ("stream", "consumer", "sequence")
    list_filter = (exact("stream", "stream", "world"), exact("consumer", "consumer"))
    list_filter_submit = True
    ordering = ("stream", "consumer")
