from __future__ import annotations

from django.apps import AppConfig


class HttpConfig(AppConfig):
    name = "qmtl_site.http"
    label = "http"
    verbose_name = "HTTP"
