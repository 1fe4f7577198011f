from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from qmtl_site.metrics.registry import REGISTRY


@require_safe
def metrics_page(request: HttpRequest) -> HttpResponse:
    """The Prometheus page; numbers only, no names of people."""
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)
