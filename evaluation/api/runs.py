"""HTTP of runs, metrics and snapshots."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from evaluation import errors, schemas, selectors, services
from evaluation.api.queries import one_of
from evaluation.models import EvaluationRun
from qmtl_site.accounts.access import READ, roles
from qmtl_site.accounts.models import Role
from qmtl_site.accounts.views import AdmittedRead, ServiceView
from qmtl_site.blobs import store
from qmtl_site.http.conditional import immutable
from qmtl_site.http.documents import finished
from qmtl_site.http.openapi import IDEMPOTENCY_KEY, PAGED, operation
from qmtl_site.http.pagination import page
from qmtl_site.http.refusals import IllegalTransition
from worlds.errors import WorldRetired

STAGE = OpenApiParameter("stage", str, enum=EvaluationRun.Stage.values)
STATUS = OpenApiParameter("status", str, enum=EvaluationRun.Status.values)
PARQUET = "application/vnd.apache.parquet"
SUBMIT = roles(Role.SUBMITTER, Role.RUNNER)


class Runs(ServiceView):
    access: ClassVar = {"GET": READ, "POST": SUBMIT}

    @operation("Runs of a strategy in a world", response=schemas.RunPage, parameters=[*PAGED, STAGE, STATUS])
    def get(self, request: Any, world_id: str, strategy_id: str) -> HttpResponse:
        rows, params = selectors.runs_of(world_id, strategy_id), request.query_params
        if stage := one_of(params, "stage", EvaluationRun.Stage.values):
            rows = rows.filter(stage=stage)
        if status := one_of(params, "status", EvaluationRun.Status.values):
            rows = rows.filter(status=status)
        return self.reply(page(rows, params, selectors.run_document))

    @operation(
        "Create a run, with or without its results",
        request=schemas.RunCreate,
        response=schemas.RunAccepted,
        status=202,
        also={200: schemas.RunAccepted},
        parameters=[IDEMPOTENCY_KEY],
        refused=[errors.RunConflict, WorldRetired, IllegalTransition],
    )
    def post(self, request: Any, world_id: str, strategy_id: str) -> HttpResponse:
        wanted = self.body(schemas.RunCreate)

        def create() -> HttpResponse:
            run, is_new = services.create_run(
                world_id=world_id, strategy_id=strategy_id, request=wanted, actor=self.actor
            )
            return accepted(self, world_id, strategy_id, run.run_id, status=202 if is_new else 200)

        return self.once(create)


def accepted(view: ServiceView, world_id: str, strategy_id: str, run_id: str, *, status: int) -> HttpResponse:
    document = selectors.run_document(selectors.get_run(world_id, strategy_id, run_id))
    short = {name: document[name] for name in ("run_id", "status", "links")}
    return view.reply(short, status=status, location=document["links"]["self"])


class StoredView(AdmittedRead):
    """A stored document by its id; `latest` has to be looked up first."""

    def is_admitted_by_read(self, kwargs: dict[str, Any]) -> bool:
        return kwargs.get("run_id") != "latest"


class RunItem(StoredView):
    access: ClassVar = {"GET": READ, "PATCH": SUBMIT}

    @operation("A run's status", response=schemas.RunDocument, parameters=[STAGE])
    def get(self, request: Any, world_id: str, strategy_id: str, run_id: str) -> HttpResponse:
        if run_id == "latest":
            stage = one_of(request.query_params, "stage", EvaluationRun.Stage.values)
            run = selectors.get_run(world_id, strategy_id, run_id, stage=stage)
            return self.reply(selectors.run_document(run))
        body = selectors.stored_run(
            digest=self.digest(request), world_id=world_id, strategy_id=strategy_id, run_id=run_id
        )
        return finished(body, Cache_Control="no-cache")

    @operation(
        "Report that the backtest is running",
        request=schemas.RunPatch,
        response=schemas.RunDocument,
        refused=[WorldRetired, IllegalTransition],
    )
    def patch(self, request: Any, world_id: str, strategy_id: str, run_id: str) -> HttpResponse:
        self.body(schemas.RunPatch)
        stage = one_of(request.query_params, "stage", EvaluationRun.Stage.values)
        run_id = resolved(world_id, strategy_id, run_id, stage)
        services.report_progress(world_id=world_id, strategy_id=strategy_id, run_id=run_id, actor=self.actor)
        return self.reply(selectors.run_document(selectors.get_run(world_id, strategy_id, run_id)))


def resolved(world_id: str, strategy_id: str, run_id: str, stage: str | None = None) -> str:
    """The run id that `latest` means."""
    return (
        run_id if run_id != "latest" else selectors.get_run(world_id, strategy_id, run_id, stage=stage).run_id
    )


class RunResults(ServiceView):
    access: ClassVar = {"POST": SUBMIT}

    @operation(
        "Post a run's results and start its evaluation",
        request=schemas.Results,
        response=schemas.RunAccepted,
        status=202,
        refused=[errors.RunFinal, errors.RunConflict, WorldRetired],
    )
    def post(self, request: Any, world_id: str, strategy_id: str, run_id: str) -> HttpResponse:
        results = self.body(schemas.Results)
        stage = one_of(request.query_params, "stage", EvaluationRun.Stage.values)
        run_id = resolved(world_id, strategy_id, run_id, stage)
        services.post_results(
            world_id=world_id, strategy_id=strategy_id, run_id=run_id, results=results, actor=self.actor
        )
        return accepted(self, world_id, strategy_id, run_id, status=202)


class RunMetrics(StoredView):
    access: ClassVar = {"GET": READ}

    @operation(
        "A run's metrics",
        response=schemas.MetricsDocument,
        parameters=[STAGE],
        refused=[errors.RunNotEvaluated],
        conditional=True,
    )
    def get(self, request: Any, world_id: str, strategy_id: str, run_id: str) -> HttpResponse:
        is_latest = run_id == "latest"
        if is_latest:
            stage = one_of(request.query_params, "stage", EvaluationRun.Stage.values)
            run_id = resolved(world_id, strategy_id, run_id, stage)
        found = selectors.stored_metrics(
            digest=self.digest(request), world_id=world_id, strategy_id=strategy_id, run_id=run_id
        )
        if is_latest:
            return finished(found.body, Cache_Control="no-cache")
        return immutable(request, found.body, found.sha256)


class RunHistory(ServiceView):
    access: ClassVar = {"GET": READ}

    @operation(
        "What became known of a run after its evaluation", response=schemas.History, parameters=[STAGE]
    )
    def get(self, request: Any, world_id: str, strategy_id: str, run_id: str) -> HttpResponse:
        stage = one_of(request.query_params, "stage", EvaluationRun.Stage.values)
        return self.reply(
            selectors.history_document(selectors.get_run(world_id, strategy_id, run_id, stage=stage))
        )


class Snapshots(ServiceView):
    access: ClassVar = {"GET": READ}

    @operation(
        "Snapshots of a world",
        response=schemas.SnapshotPage,
        parameters=[*PAGED, OpenApiParameter("strategy_id", str)],
    )
    def get(self, request: Any, world_id: str) -> HttpResponse:
        rows = selectors.snapshots_of(world_id)
        if strategy_id := request.query_params.get("strategy_id"):
            rows = rows.filter(strategy_id=strategy_id.replace("\0", ""))
        return self.reply(page(rows, request.query_params, selectors.snapshot_summary, key="run_id"))


class SnapshotItem(StoredView):
    access: ClassVar = {"GET": READ}

    @operation("A snapshot", response=schemas.SnapshotDocument, conditional=True)
    def get(self, request: Any, world_id: str, snapshot_id: str) -> HttpResponse:
        found = selectors.stored_snapshot(digest=self.digest(request), world_id=world_id, name=snapshot_id)
        return immutable(request, found.body, found.sha256)


class SeriesFile(StoredView):
    access: ClassVar = {"GET": READ}

    @operation(
        "A whole series that a snapshot refers to, as Parquet",
        response=OpenApiTypes.BINARY,
        conditional=True,
        media_type=PARQUET,
    )
    def get(self, request: Any, world_id: str, sha256: str) -> HttpResponse:
        name = selectors.stored_blob(digest=self.digest(request), world_id=world_id, sha256=sha256)
        return immutable(request, lambda: store.get(name), name, media_type=PARQUET)


class DescribeWorld(ServiceView):
    access: ClassVar = {"GET": READ}

    @operation("A world at a glance", response=schemas.Describe)
    def get(self, request: Any, world_id: str) -> HttpResponse:
        return self.reply(selectors.describe(world_id))
