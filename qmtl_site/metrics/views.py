from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from qmtl_site.metrics.registry import REGISTRY


def metrics_page(request: HttpRequest) -> HttpResponse:
    """The Prometheus page; numbers only, no names of people."""
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)
