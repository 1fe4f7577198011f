"""The audit, read-only, with the state of a world's chain."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

import orjson
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from qmtl_site.audit.chain import verify
from qmtl_site.audit.models import AuditEntry
from qmtl_site.ledger.models import SYSTEM_STREAM, Ledger
from qmtl_site.pages.columns import about, column, moment, numbered, sentence
from qmtl_site.pages.filters import exact
from qmtl_site.pages.scope import is_superuser, list_url, roles_by_world
from qmtl_site.pages.window import Window
from qmtl_site.pages.words import happened

BREAKS_SHOWN = 100


@admin.register(AuditEntry)
class AuditEntryAdmin(Window):
    world_path = "stream"
    list_display = (
        "when",
        "entry",
        "actor",
        "act",
        "says",
    )
    list_display_links = ("when", "act")
    list_filter = (
        exact("stream", "stream", "world"),
        exact("actor", "actor"),
        exact("action", "action"),
        exact("object", "object_id"),
        exact("request", "request_id"),
    )
    list_filter_submit = True
    search_fields = ("object_id__istartswith",)
    search_help_text = "Object"
    list_before_template = "pages/audit_verify.html"
    ordering = ("-id",)
    fields: ClassVar = ["stream", "sequence", "when", "actor", "actor_label", "action", "object_type", "object_id",
                        "document", "request_id", "previous_hash", "hash"]  # fmt: skip
    readonly_fields = fields

    when = moment("at", "When")

    @column("Entry")
    def entry(self, entry: AuditEntry) -> SafeString:
        return numbered(entry.stream, entry.sequence)

    @column("Action")
    def act(self, entry: AuditEntry) -> SafeString:
        return about(entry.action, entry.object_id)

    @column("Details")
    def says(self, entry: AuditEntry) -> SafeString:
        return sentence(happened(entry.details))

    @column("Details")
    def document(self, entry: AuditEntry) -> SafeString:
        return format_html('<pre class="q-pre">{}</pre>', indented(entry.details))

    # --- the chain --------------------------------------------------------------------------------------
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.verify_view)
        return [path("verify/", view, name="audit_auditentry_verify"), *super().get_urls()]

    def verify_view(self, request: HttpRequest) -> HttpResponse:
        """Read one stream's chain from its beginning and tell every place where it does not hold."""
        stream = request.GET.get("stream", "").replace("\0", "")
        if not (is_superuser(request) or stream in roles_by_world(request)):
            raise PermissionDenied
        stream = stream or SYSTEM_STREAM
        context = chain_of(stream)
        response = self.render(request, "pages/audit_chain.html", title=f"Chain of {stream[:128]}", **context)
        response.status_code = 404 if context["absent"] else 200
        return response


def chain_of(stream: str) -> dict[str, Any]:
    """What the chain's page shows. Where there is nothing to verify, nothing is called intact."""
    head = Ledger.objects.filter(stream=stream).first() or Ledger(stream=stream)
    breaks = list(itertools.islice(verify(stream), BREAKS_SHOWN))
    return {
        "stream": stream,
        "entries": head.audit_sequence,
        "head": head.audit_head,
        "breaks": breaks,
        "absent": not head.audit_sequence and not breaks,
        "back": list_url("audit.auditentry", stream=stream),
    }


def indented(details: str) -> str:
    """As it is, where somebody has broken it: the page of such an entry must open most of all."""
    try:
        return orjson.dumps(orjson.loads(details), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return details
