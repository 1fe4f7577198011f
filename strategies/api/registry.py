"""HTTP of strategies, bindings and reported performance."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter

from qmtl_site.accounts.access import READ, TOKEN, permission, roles
from qmtl_site.accounts.models import Role
from qmtl_site.accounts.views import ServiceView
from qmtl_site.http.openapi import IDEMPOTENCY_KEY, PAGED, operation
from qmtl_site.http.pagination import page
from qmtl_site.http.refusals import Invalid, PreconditionFailed
from strategies import errors, schemas, services
from strategies.api.parameters import moment_of
from strategies.models import Binding, PerformanceSeries
from strategies.selectors import (
    binding_document,
    bindings_of,
    get_strategy,
    performance_page,
    strategy_document,
    visible_strategies,
)
from worlds.errors import WorldRetired

IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="ETag that must still hold."
)
MODE = OpenApiParameter("mode", str, enum=PerformanceSeries.Mode.values)
FROM = OpenApiParameter("from", datetime, description="First time, RFC 3339 with its zone.")
TO = OpenApiParameter("to", datetime, description="Time from which on no more is wanted, likewise.")


class Strategies(ServiceView):
    access: ClassVar = {"GET": TOKEN, "POST": permission("strategies.add_strategy")}

    @operation(
        "Strategies that you own or that are bound in your worlds",
        response=schemas.StrategyPage,
        parameters=[*PAGED, OpenApiParameter("family", str), OpenApiParameter("owner", str)],
    )
    def get(self, request: Any) -> HttpResponse:
        rows = visible_strategies(user_id=request.user.id, is_superuser=request.user.is_superuser)
        params = request.query_params
        for name, lookup in (("family", "family"), ("owner", "owner__username")):
            if value := params.get(name):
                rows = rows.filter(**{lookup: value.replace("\0", "")})
        return self.reply(page(rows, params, strategy_document))

    @operation(
        "Register a strategy",
        request=schemas.StrategyCreate,
        response=schemas.StrategyDocument,
        status=201,
        parameters=[IDEMPOTENCY_KEY],
        refused=[errors.StrategyExists],
    )
    def post(self, request: Any) -> HttpResponse:
        fields = self.body(schemas.StrategyCreate)

        def create() -> HttpResponse:
            strategy = services.register_strategy(fields=fields, actor=self.actor)
            return self.reply(
                strategy_document(strategy),
                status=201,
                etag=str(strategy.revision),
                location=f"/strategies/{strategy.id}",
            )

        return self.once(create)


class StrategyItem(ServiceView):
    access: ClassVar = {"GET": TOKEN, "PATCH": TOKEN}

    @operation("A strategy", response=schemas.StrategyDocument)
    def get(self, request: Any, strategy_id: str) -> HttpResponse:
        strategy = get_strategy(strategy_id, user_id=request.user.id, is_superuser=request.user.is_superuser)
        return self.reply(strategy_document(strategy), etag=str(strategy.revision))

    @operation(
        "Change a strategy (its owner); another `code_hash` is its next version, unless one is said",
        request=schemas.StrategyPatch,
        response=schemas.StrategyDocument,
        parameters=[IF_MATCH],
        refused=[PreconditionFailed],
    )
    def patch(self, request: Any, strategy_id: str) -> HttpResponse:
        get_strategy(strategy_id, user_id=request.user.id, is_superuser=request.user.is_superuser)
        fields = self.body(schemas.StrategyPatch)
        services.update_strategy(
            strategy_id=strategy_id, fields=fields, actor=self.actor, headers=request.headers
        )
        return self.get(request, strategy_id)


class Bindings(ServiceView):
    access: ClassVar = {"GET": READ, "POST": roles(Role.SUBMITTER, Role.OPERATOR)}

    @operation(
        "Strategies of a world with state and latest figures",
        response=schemas.BindingPage,
        parameters=[*PAGED, OpenApiParameter("state", str, enum=Binding.State.values)],
    )
    def get(self, request: Any, world_id: str) -> HttpResponse:
        rows = bindings_of(world_id)
        if state := request.query_params.get("state"):
            if state not in Binding.State.values:
                raise Invalid.at("?state", f"state is one of {', '.join(Binding.State.values)}")
            rows = rows.filter(state=state)
        return self.reply(page(rows, request.query_params, binding_document))

    @operation(
        "Bind strategies to a world",
        request=schemas.Bind,
        response=schemas.Bound,
        status=201,
        refused=[WorldRetired],
    )
    def post(self, request: Any, world_id: str) -> HttpResponse:
        wanted = self.body(schemas.Bind).strategies
        services.bind_strategies(world_id=world_id, strategy_ids=wanted, actor=self.actor)
        rows = bindings_of(world_id).filter(strategy_id__in=wanted).order_by("id")
        return self.reply({"items": [binding_document(row) for row in rows]}, status=201)


class Performance(ServiceView):
    access: ClassVar = {"GET": READ, "POST": roles(Role.RUNNER)}

    @operation(
        "What a strategy reported of its performance, over all its stays",
        response=schemas.PerformancePage,
        parameters=[*PAGED, MODE, FROM, TO],
    )
    def get(self, request: Any, world_id: str, strategy_id: str) -> HttpResponse:
        params = request.query_params
        mode = params.get("mode")
        if mode is not None and mode not in PerformanceSeries.Mode.values:
            raise Invalid.at("?mode", f"mode is one of {', '.join(PerformanceSeries.Mode.values)}")
        start, end = moment_of(params, "from"), moment_of(params, "to")
        if start and end and start >= end:
            raise Invalid.at("?to", "to must be later than from")
        return self.reply(performance_page(world_id, strategy_id, params, mode=mode, start=start, end=end))

    @operation(
        "Report records of performance: a list, or `{records: [...], mode?}`",
        request=schemas.PerformanceBody,
        response=schemas.PerformanceAccepted,
        status=202,
        refused=[WorldRetired, errors.TakesNoPerformance, errors.PerformanceConflict],
    )
    def post(self, request: Any, world_id: str, strategy_id: str) -> HttpResponse:
        if isinstance(request.data, list):
            posted, mode, at = schemas.PerformanceList.model_validate(request.data).root, None, ""
        else:
            told = self.body(schemas.PerformanceReport)
            posted, mode, at = told.records, told.mode, "/records"
        reported = services.report_performance(
            world_id=world_id, strategy_id=strategy_id, posted=posted, mode=mode, actor=self.actor, at=at
        )
        return self.reply(asdict(reported), status=202)
