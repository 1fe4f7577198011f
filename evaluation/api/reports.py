"""HTTP of reports: one document, as JSON, Markdown or HTML."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from drf_spectacular.utils import OpenApiParameter

from evaluation import errors, schemas, selectors, services
from evaluation.api.queries import one_of
from evaluation.domain import reports
from evaluation.domain.reports.page import Page
from evaluation.models import EvaluationRun
from qmtl_site.accounts.access import READ
from qmtl_site.accounts.views import ServiceView
from qmtl_site.http.documents import JSON, dump, finished
from qmtl_site.http.openapi import operation

MARKDOWN, HTML = "text/markdown", "text/html"
MEDIA: Mapping[str, str] = {"json": JSON, "md": MARKDOWN, "html": HTML}
STAGE = OpenApiParameter("stage", str, enum=EvaluationRun.Stage.values)
FORMAT = OpenApiParameter(
    "format", str, enum=[*MEDIA], description="Else as `Accept` prefers; JSON where it prefers none of these."
)


class RunReport(ServiceView):
    access: ClassVar = {"GET": READ}

    @operation(
        "A run's validation report, as JSON, Markdown or HTML",
        response=schemas.ValidationReport,
        texts=(MARKDOWN, HTML),
        parameters=[STAGE, FORMAT],
        refused=[errors.RunNotEvaluated],
    )
    def get(self, request: Any, world_id: str, strategy_id: str, run_id: str) -> HttpResponse:
        wanted = representation(request)
        stage = one_of(request.query_params, "stage", EvaluationRun.Stage.values)
        stored = selectors.stored_for_report(world_id, strategy_id, run_id, stage=stage)
        return answer(reports.validation_report(stored), wanted, reports.validation_page)


class LiveMonitoring(ServiceView):
    access: ClassVar = {"GET": READ}

    @operation(
        "How a world's live strategies do now, as JSON, Markdown or HTML",
        response=schemas.LiveReport,
        texts=(MARKDOWN, HTML),
        parameters=[FORMAT],
    )
    def get(self, request: Any, world_id: str) -> HttpResponse:
        wanted = representation(request)
        return answer(services.live_monitoring(world_id=world_id), wanted, reports.live_page)


def representation(request: Any) -> str:
    """`json`, `md` or `html`: what `?format=` says (Invalid for another), else what the caller prefers."""
    named = one_of(request.query_params, "format", [*MEDIA])
    if named is not None:
        return named
    plain: HttpRequest = request._request
    preferred = plain.get_preferred_type([*MEDIA.values()])
    return next((name for name, media in MEDIA.items() if media == preferred), "json")


def answer(document: Mapping[str, Any], wanted: str, page_of: Callable[[Any], Page]) -> HttpResponse:
    media = MEDIA[wanted]
    if wanted == "json":
        response = finished(dump(document), media_type=media, Cache_Control="no-cache")
    else:
        write = reports.to_html if wanted == "html" else reports.to_markdown
        text = write(page_of(document)).encode()
        response = finished(text, media_type=f"{media}; charset=utf-8", Cache_Control="no-cache")
    if wanted == "html":
        response["Content-Security-Policy"] = reports.SECURITY
    patch_vary_headers(response, ["Accept"])
    return response
