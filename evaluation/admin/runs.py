"""The list of runs, a run's page, and its documents to take home. All read-only: runs are evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from evaluation.admin.run_page import run_page
from evaluation.models import EvaluationRun, RunResult, Snapshot
from evaluation.selectors.listed import listed_runs
from qmtl_site.blobs import store
from qmtl_site.blobs.store import BlobCorrupt
from qmtl_site.http.conditional import immutable
from qmtl_site.http.documents import JSON
from qmtl_site.pages.columns import column, moment, number, state
from qmtl_site.pages.figures import metric_figure
from qmtl_site.pages.filters import exact, one_of
from qmtl_site.pages.scope import visible
from qmtl_site.pages.window import Window

VERDICTS = ["pass", "warn", "fail", "inconclusive"]
PARQUET = "application/vnd.apache.parquet"


@admin.register(EvaluationRun)
class EvaluationRunAdmin(Window):
    world_path = "world_id"
    page_template = "pages/run.html"
    list_display = ("run", "strategy", "world", "stage", "status_badge", "verdict", "recommended",
                    "figure_sharpe", "created")  # fmt: skip
    list_filter = (
        exact("world", "world_id"),
        exact("strategy", "strategy_id"),
        one_of("stage", "stage", EvaluationRun.Stage.values),
        one_of("status", "status", EvaluationRun.Status.values),
        one_of("verdict", "result__verdict", VERDICTS),
    )
    list_filter_submit = True
    search_fields = ("run_id__istartswith", "strategy__id__istartswith")
    search_help_text = "Run or strategy"
    ordering = ("-created_at", "-id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[EvaluationRun]:
        return visible(request, listed_runs().select_related("world", "strategy"), self.world_path)

    status_badge = state("status", "Status", ordering="status")
    verdict = state("result.verdict", "Verdict")
    recommended = state("result.recommended_stage", "Recommended")
    created = moment("created_at", "Created")

    @column("Run", ordering="run_id")
    def run(self, run: EvaluationRun) -> SafeString:
        return format_html('<span class="q-id" title="{}">{}</span>', run.run_id, run.run_id)

    @column("Sharpe")
    def figure_sharpe(self, run: Any) -> SafeString:
        return number(metric_figure("returns.sharpe", run.sharpe))

    def page(self, request: HttpRequest, row: EvaluationRun) -> Mapping[str, Any]:
        return run_page(row)

    # --- documents --------------------------------------------------------------------------------------
    def get_urls(self) -> list[URLPattern]:
        def view(function: Any) -> Any:
            return self.admin_site.admin_view(function)

        return [
            path("<int:key>/metrics.json", view(self.metrics), name="evaluation_evaluationrun_metrics"),
            path("<int:key>/snapshot.json", view(self.snapshot), name="evaluation_evaluationrun_snapshot"),
            path(
                "<int:key>/<str:series>.parquet", view(self.parquet), name="evaluation_evaluationrun_parquet"
            ),
            *super().get_urls(),
        ]

    def metrics(self, request: HttpRequest, key: int) -> HttpResponse:
        run = self.seen(request, str(key))
        found = RunResult.objects.filter(run=run).first()
        return document(request, f"{run.run_id}.metrics.json", found)

    def snapshot(self, request: HttpRequest, key: int) -> HttpResponse:
        found = Snapshot.objects.filter(run=self.seen(request, str(key))).first()
        return document(request, f"{found.name if found else ''}.json", found)

    def parquet(self, request: HttpRequest, key: int, series: str) -> HttpResponse:
        found = Snapshot.objects.filter(run=self.seen(request, str(key))).defer("document").first()
        names = {"returns": "returns_parquet_id", "pnl": "pnl_parquet_id"}
        sha256 = getattr(found, names.get(series, ""), None) if found else None
        if found is None or sha256 is None:
            return nothing()
        try:
            response = immutable(request, store.get(sha256), sha256, media_type=PARQUET)
        except BlobCorrupt as lost:
            return HttpResponse(str(lost), status=503, content_type="text/plain")
        return download(response, f"{found.name}.{series}.parquet")


def document(request: HttpRequest, name: str, found: RunResult | Snapshot | None) -> HttpResponse:
    """The stored bytes, as they were finished when they were written."""
    if found is None:
        return nothing()
    return download(immutable(request, bytes(found.document), found.sha256, media_type=JSON), name)


def download(response: HttpResponse, name: str) -> HttpResponse:
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def nothing() -> HttpResponse:
    return HttpResponse("This run has no such document (yet).", status=404, content_type="text/plain")
