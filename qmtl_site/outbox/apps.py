from __future__ import annotations

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    name = "qmtl_site.outbox"
    label = "outbox"
    verbose_name = "Events"
