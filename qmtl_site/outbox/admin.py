"""Events and how far their readers are, read-only."""

from __future__ import annotations

from typing import ClassVar

import orjson
from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from qmtl_site.outbox.models import DeliveryCursor, OutboxEvent
from qmtl_site.pages.columns import about, column, moment, numbered, sentence
from qmtl_site.pages.filters import exact
from qmtl_site.pages.window import Window
from qmtl_site.pages.words import told

# What an event's subject says already.
IN_SUBJECT = {"world_id", "strategy_id", "run_id"}


@admin.register(OutboxEvent)
class OutboxEventAdmin(Window):
    world_path = "stream"
    list_display = ("when", "event", "kind", "says")
    list_display_links = ("when", "kind")
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

    @column("Type")
    def kind(self, event: OutboxEvent) -> SafeString:
        return about(event.type, event.subject)

    @column("Data")
    def says(self, event: OutboxEvent) -> SafeString:
        data = orjson.loads(event.document)["data"]
        return sentence(told({name: value for name, value in data.items() if name not in IN_SUBJECT}))

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
