"""All URLs: each app serves its own paths, without a prefix."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from qmtl_site.guides import error_guide
from qmtl_site.health import Health, Healthz, Readyz
from qmtl_site.metrics.views import metrics_page
from qmtl_site.schema import EventsSchema, SchemaDocument, SchemaPage

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("", include("qmtl_site.accounts.urls")),
    path("", include("worlds.urls")),
    path("", include("strategies.urls")),
    path("", include("evaluation.urls")),
    path("", include("rebalancing.urls")),
    path("schema/", SchemaDocument.as_view(), name="schema"),
    path("schema/docs/", SchemaPage.as_view(url_name="schema"), name="schema-docs"),
    path("schema/events", EventsSchema.as_view()),
    path("docs/errors", error_guide),
    path("healthz", Healthz.as_view()),
    path("readyz", Readyz.as_view()),
    path("health", Health.as_view()),
    path("metrics", metrics_page),
]

handler400 = "qmtl_site.http.problems.bad_request"
handler404 = "qmtl_site.http.problems.not_found"
handler500 = "qmtl_site.http.problems.server_error"
