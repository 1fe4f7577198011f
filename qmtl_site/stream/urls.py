"""What the stream process serves; the rest is the web process's."""

from __future__ import annotations

from django.urls import path

import qmtl_site.http.identifiers  # noqa: F401  (registers the converters)
from qmtl_site.stream import views

urlpatterns = [
    path("worlds/<id:world_id>/events", views.world_events),
    path("healthz", views.alive),
    path("readyz", views.ready),
    path("metrics", views.metrics),
]

handler400 = "qmtl_site.http.problems.bad_request"
handler404 = "qmtl_site.http.problems.not_found"
handler500 = "qmtl_site.http.problems.server_error"
