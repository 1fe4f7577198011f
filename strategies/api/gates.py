"""HTTP of gate clients: registered, heard, revoked."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter

from qmtl_site.accounts.access import READ, roles
from qmtl_site.accounts.models import Role
from qmtl_site.accounts.views import ServiceView
from qmtl_site.http.openapi import PAGED, operation
from qmtl_site.http.pagination import page
from strategies import errors, schemas, selectors, services
from strategies.api.parameters import flag_of
from worlds.errors import WorldRetired

STRATEGY = OpenApiParameter("strategy_id", str, description="Only those that hold the gate of this strategy.")
LIVE = OpenApiParameter(
    "live",
    bool,
    description="true: with a valid lease, by the database's clock; false: with none any more.",
)


class Gates(ServiceView):
    access: ClassVar = {"GET": READ, "POST": roles(Role.RUNNER)}

    @operation(
        "Gate clients of a world", response=schemas.GateClientPage, parameters=[*PAGED, STRATEGY, LIVE]
    )
    def get(self, request: Any, world_id: str) -> HttpResponse:
        params = request.query_params
        rows = selectors.gate_clients_of(world_id)
        if strategy := params.get("strategy_id"):
            rows = selectors.holding(rows, strategy.replace("\0", ""))
        if (is_live := flag_of(params, "live")) is not None:
            rows = selectors.leased(rows, is_live=is_live)
        return self.reply(page(rows, params, selectors.client_document, created="registered_at"))

    @operation(
        "Register as the holder of gates: a lease, and its secret once",
        request=schemas.GateRegistration,
        response=schemas.GateLease,
        status=201,
        refused=[WorldRetired],
    )
    def post(self, request: Any, world_id: str) -> HttpResponse:
        wanted = self.body(schemas.GateRegistration)
        lease = services.register_client(
            world_id=world_id,
            client_id=wanted.client_id,
            held=[services.Held(each.id, each.code_hash or "") for each in wanted.strategies],
            executor=wanted.executor or "",
            token_digest=request.auth.digest,
            actor=self.actor,
        )
        return self.reply(lease, status=201, location=f"/worlds/{world_id}/gates/{wanted.client_id}")


class GateItem(ServiceView):
    access: ClassVar = {"GET": READ, "DELETE": roles(Role.RUNNER, Role.OPERATOR)}

    @operation("A gate client", response=schemas.GateClientDocument)
    def get(self, request: Any, world_id: str, client_id: str) -> HttpResponse:
        return self.reply(selectors.client_document(selectors.get_client(world_id, client_id)))

    @operation("Revoke the lease of a gate client", response=schemas.GateClientDocument)
    def delete(self, request: Any, world_id: str, client_id: str) -> HttpResponse:
        client = services.revoke_lease(
            world_id=world_id, client_id=client_id, reason="revoked by request", actor=self.actor
        )
        return self.reply(selectors.client_document(client))


class Heartbeat(ServiceView):
    access: ClassVar = {"POST": roles(Role.RUNNER)}

    @operation(
        "Renew a lease",
        request=schemas.HeartbeatBody,
        response=schemas.LeaseStanding,
        refused=[errors.GateClosed],
    )
    def post(self, request: Any, world_id: str, client_id: str) -> HttpResponse:
        wanted = self.body(schemas.HeartbeatBody)
        return self.reply(
            services.renew_lease(
                world_id=world_id,
                client_id=client_id,
                secret=wanted.lease_secret,
                token_digest=request.auth.digest,
                cross_context_hits=wanted.cross_context_cache_hits,
                actor=self.actor,
            )
        )


class CrossContext(ServiceView):
    access: ClassVar = {"DELETE": roles(Role.OPERATOR)}

    @operation(
        "Clear the cross-context cache hits of a world, having looked at them", response=schemas.Cleared
    )
    def delete(self, request: Any, world_id: str) -> HttpResponse:
        services.clear_hits(world_id=world_id, reason="cleared by request", actor=self.actor)
        return self.reply({"world_id": world_id, "cross_context_cache_hits": 0})
