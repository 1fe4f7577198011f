"""HTTP of gates as they are and as they were; of edges."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter

from qmtl_site.accounts.access import READ, roles
from qmtl_site.accounts.models import Role
from qmtl_site.accounts.views import AdmittedRead, ServiceView
from qmtl_site.http.openapi import operation
from qmtl_site.http.refusals import IllegalTransition, Invalid, PreconditionFailed
from strategies import errors, schemas, selectors, services
from strategies.api.parameters import moment_of
from strategies.api.registry import IF_MATCH
from strategies.domain.plans import EdgeName
from strategies.models import Strategy
from worlds.errors import BreakerEngaged, LiveNotAllowed, WorldRetired

STRATEGY = OpenApiParameter("strategy_id", str, description="Only this strategy's gate, as one envelope.")
SIDE = OpenApiParameter("side", str, enum=Strategy.Side.values)
AT = OpenApiParameter("at", datetime, description="What held then, by whose act and why.")


class Activation(AdmittedRead):
    access: ClassVar = {"GET": READ, "PUT": roles(Role.OPERATOR)}

    @operation(
        "Gates of a world, or one of them, now or as they were",
        response=schemas.ActivationAnswer,
        parameters=[STRATEGY, SIDE, AT],
    )
    def get(self, request: Any, world_id: str) -> HttpResponse:
        params, digest = request.GET, self.digest(request)
        strategy_id = params["strategy_id"].replace("\0", "") if "strategy_id" in params else None
        side = params.get("side")
        if side is not None and side not in Strategy.Side.values:
            raise Invalid.at("?side", f"side is one of {', '.join(Strategy.Side.values)}")
        if (at := moment_of(params, "at")) is None:
            found = selectors.admitted_documents(digest, world_id, strategy_id=strategy_id, side=side)
        elif at > timezone.now():
            raise Invalid.at("?at", "it lies in the future")
        else:
            selectors.admitted_documents(digest, world_id)  # who asks is found out by that read
            found = selectors.gates_at(world_id, at, strategy_id=strategy_id, side=side)
        if strategy_id is None:
            return self.reply({"world_id": world_id, "items": found})
        return self.reply(found[0], etag=found[0]["etag"])

    @operation(
        "Close or re-open the gate of a live strategy, or set its weight",
        request=schemas.GateChange,
        response=schemas.ActivationDocument,
        parameters=[IF_MATCH],
        refused=[
            errors.NotLive,
            errors.ApplyInProgress,
            errors.CrossContext,
            errors.FingerprintMissing,
            BreakerEngaged,
            IllegalTransition,
            LiveNotAllowed,
            PreconditionFailed,
            WorldRetired,
        ],
    )
    def put(self, request: Any, world_id: str) -> HttpResponse:
        wanted = self.body(schemas.GateChange)
        document = services.set_gate(
            world_id=world_id,
            strategy_id=wanted.strategy_id,
            active=wanted.active,
            weight=wanted.weight,
            side=wanted.side,
            reason=wanted.reason,
            actor=self.actor,
            headers=request.headers,
        )
        return self.reply(document, etag=document["etag"])


class ActivationHash(ServiceView):
    access: ClassVar = {"GET": READ}

    @operation("The hash by which a client checks what it knows of the gates", response=schemas.StateHash)
    def get(self, request: Any, world_id: str) -> HttpResponse:
        return self.reply(selectors.gates_hash(world_id))


class EdgeOverrides(ServiceView):
    access: ClassVar = {"GET": READ, "PUT": roles(Role.OPERATOR)}

    @operation("Edges that were turned on or off", response=schemas.EdgeList)
    def get(self, request: Any, world_id: str) -> HttpResponse:
        return self.reply({"items": selectors.edges_of(world_id)})

    @operation(
        "Turn an edge on or off",
        request=schemas.EdgeChange,
        response=schemas.EdgeDocument,
        refused=[WorldRetired],
    )
    def put(self, request: Any, world_id: str) -> HttpResponse:
        wanted = self.body(schemas.EdgeChange)
        row = services.override_edge(
            world_id=world_id,
            edge=EdgeName(wanted.src_node, wanted.dst_node),
            active=wanted.active,
            reason=wanted.reason,
            actor=self.actor,
        )
        return self.reply(selectors.edge_document(row))
