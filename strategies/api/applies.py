"""HTTP of applies: their steps, and the acknowledgements that they wait for."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter

from qmtl_site.accounts.access import READ, roles
from qmtl_site.accounts.models import Role
from qmtl_site.accounts.views import ServiceView
from qmtl_site.http.openapi import PAGED, operation
from qmtl_site.http.pagination import page
from qmtl_site.http.refusals import Invalid
from strategies import errors, schemas, selectors, services
from strategies.models import Apply
from strategies.selectors.tallies import STALE_ACKS

PHASE = OpenApiParameter("phase", str, enum=Apply.Phase.values)


class Applies(ServiceView):
    access: ClassVar = {"GET": READ}

    @operation("Applies of a world", response=schemas.ApplyPage, parameters=[*PAGED, PHASE])
    def get(self, request: Any, world_id: str) -> HttpResponse:
        rows, params = selectors.applies_of(world_id), request.query_params
        if phase := params.get("phase"):
            if phase not in Apply.Phase.values:
                raise Invalid.at("?phase", f"phase is one of {', '.join(Apply.Phase.values)}")
            rows = rows.filter(phase=phase)
        return self.reply(page(rows, params, selectors.apply_summary))


class ApplyItem(ServiceView):
    access: ClassVar = {"GET": READ}

    @operation("An apply with its steps and who has acknowledged", response=schemas.ApplyDocument)
    def get(self, request: Any, world_id: str, run_id: str) -> HttpResponse:
        return self.reply(selectors.apply_document(selectors.get_apply(world_id, run_id)))


class Acks(ServiceView):
    access: ClassVar = {"POST": roles(Role.RUNNER)}

    @operation(
        "Acknowledge a phase of an apply, as the holder of a gate",
        request=schemas.Acknowledge,
        response=schemas.AckDocument,
        refused=[errors.StaleAck],
    )
    def post(self, request: Any, world_id: str, run_id: str) -> HttpResponse:
        wanted = self.body(schemas.Acknowledge)
        receipt = services.Receipt(
            client_id=wanted.client_id,
            secret=wanted.lease_secret,
            token_digest=request.auth.digest,
            phase=wanted.phase,
            sequence=wanted.sequence,
            epoch=wanted.epoch,
        )
        try:
            seen = services.acknowledge(world_id=world_id, run_id=run_id, receipt=receipt, actor=self.actor)
        except errors.StaleAck:
            STALE_ACKS.count(world_id)
            raise
        document = {"run_id": run_id, "client_id": wanted.client_id, "phase": wanted.phase}
        return self.reply({**document, "sequence": seen})
