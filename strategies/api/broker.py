"""HTTP of a world's broker: its settings, and the credentials for who holds a lease."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter

from qmtl_site.accounts.access import READ, roles
from qmtl_site.accounts.models import Role
from qmtl_site.accounts.views import ServiceView
from qmtl_site.http.openapi import operation
from qmtl_site.http.refusals import Invalid, PreconditionFailed, Unavailable
from strategies import schemas, services
from worlds.domain.broker import BrokerFields
from worlds.errors import WorldRetired
from worlds.schemas import BrokerDocument
from worlds.selectors import broker_document, broker_settings
from worlds.services import set_broker

IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="ETag that must still hold."
)
CLIENT = OpenApiParameter("client_id", str, required=True, description="The gate client that asks.")
SECRET = OpenApiParameter(
    "X-Lease-Secret", str, OpenApiParameter.HEADER, required=True, description="Of its lease."
)


class Broker(ServiceView):
    access: ClassVar = {"GET": READ, "PUT": roles(Role.OWNER)}

    @operation("Where a world's orders go; without secrets", response=BrokerDocument)
    def get(self, request: Any, world_id: str) -> HttpResponse:
        row = broker_settings(world_id)
        etag = "0" if row is None else str(row.revision)
        return self.reply(broker_document(world_id, row), etag=etag)

    @operation(
        "Replace a world's broker settings; credentials are write-only, and stay where none are sent",
        request=BrokerFields,
        response=BrokerDocument,
        parameters=[IF_MATCH],
        refused=[WorldRetired, PreconditionFailed, Unavailable],
    )
    def put(self, request: Any, world_id: str) -> HttpResponse:
        fields = self.body(BrokerFields)
        set_broker(world_id=world_id, fields=fields, actor=self.actor, headers=request.headers)
        return self.get(request, world_id)


class BrokerCredentials(ServiceView):
    access: ClassVar = {"GET": roles(Role.RUNNER)}

    @operation(
        "Credentials, for the holder of a lease on the gate of a live strategy; every answer is in the audit",
        response=schemas.CredentialsDocument,
        parameters=[CLIENT, SECRET],
        refused=[Unavailable],
    )
    def get(self, request: Any, world_id: str) -> HttpResponse:
        client_id, secret = request.query_params.get("client_id"), request.headers.get("X-Lease-Secret")
        if not client_id:
            raise Invalid.at("?client_id", "name the gate client that asks")
        if not secret:
            raise Invalid.at("", "send the secret of its lease in the header X-Lease-Secret")
        claim = services.Claim(client_id.replace("\0", ""), secret, request.auth.digest)
        document = services.hand_out_credentials(world_id=world_id, claim=claim, actor=self.actor)
        response = self.reply(document)
        response["Cache-Control"] = "no-store"
        return response
