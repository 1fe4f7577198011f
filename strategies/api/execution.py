"""HTTP of what a runner reports beside performance: its nodes and its fills."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter

from qmtl_site.accounts.access import READ, roles
from qmtl_site.accounts.models import Role
from qmtl_site.accounts.views import ServiceView
from qmtl_site.http.openapi import PAGED, operation
from qmtl_site.http.refusals import IllegalTransition, Invalid
from strategies import errors, schemas, services
from strategies.api.parameters import moment_of
from strategies.selectors import fills_page, nodes_document
from worlds.errors import WorldRetired

MODES = ["paper", "live"]
MODE = OpenApiParameter("mode", str, enum=MODES)
SYMBOL = OpenApiParameter("symbol", str)
ORDER = OpenApiParameter("order_id", str)
FROM = OpenApiParameter("from", datetime, description="First time, RFC 3339 with its zone.")
TO = OpenApiParameter("to", datetime, description="Time from which on no more is wanted, likewise.")


class Fills(ServiceView):
    access: ClassVar = {"GET": READ, "POST": roles(Role.RUNNER)}

    @operation(
        "Executions of a strategy's orders, newest first",
        response=schemas.FillPage,
        parameters=[*PAGED, MODE, SYMBOL, ORDER, FROM, TO],
    )
    def get(self, request: Any, world_id: str, strategy_id: str) -> HttpResponse:
        params = request.query_params
        if params.get("mode", "paper") not in MODES:
            raise Invalid.at("?mode", f"mode is one of {', '.join(MODES)}")
        start, end = moment_of(params, "from"), moment_of(params, "to")
        if start and end and start >= end:
            raise Invalid.at("?to", "to must be later than from")
        return self.reply(fills_page(world_id, strategy_id, params, start=start, end=end))

    @operation(
        "Report executions: a list, or `{records: [...]}`",
        request=schemas.FillBody,
        response=schemas.FillsAccepted,
        status=202,
        refused=[WorldRetired, errors.FillConflict],
    )
    def post(self, request: Any, world_id: str, strategy_id: str) -> HttpResponse:
        if isinstance(request.data, list):
            posted, at = schemas.FillList.model_validate(request.data).root, ""
        else:
            posted, at = self.body(schemas.FillReport).records, "/records"
        kept = services.report_fills(
            world_id=world_id, strategy_id=strategy_id, posted=posted, actor=self.actor, at=at
        )
        return self.reply(asdict(kept), status=202)


class Nodes(ServiceView):
    access: ClassVar = {"GET": READ, "PUT": roles(Role.RUNNER, Role.OPERATOR)}

    @operation("Nodes of a strategy and how far they are", response=schemas.NodesDocument)
    def get(self, request: Any, world_id: str, strategy_id: str) -> HttpResponse:
        return self.reply(nodes_document(world_id, strategy_id))

    @operation(
        "Report nodes; those that are not named stay. One in error lowers its strategy to computing until it is "
        "`initialized` again",
        request=schemas.NodesReport,
        response=schemas.NodesDocument,
        refused=[WorldRetired, IllegalTransition],
    )
    def put(self, request: Any, world_id: str, strategy_id: str) -> HttpResponse:
        wanted = self.body(schemas.NodesReport)
        services.report_nodes(
            world_id=world_id, strategy_id=strategy_id, posted=wanted.nodes, actor=self.actor
        )
        return self.reply(nodes_document(world_id, strategy_id))
