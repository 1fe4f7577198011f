from __future__ import annotations

from django.apps import AppConfig


class MetricsConfig(AppConfig):
    name = "qmtl_site.metrics"
    label = "site_metrics"
    verbose_name = "Prometheus"
