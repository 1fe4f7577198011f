"""The published OpenAPI schema and its page."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import TemplateHTMLRenderer

from qmtl_site.accounts.access import PUBLIC
from qmtl_site.accounts.views import ServiceView
from qmtl_site.http.openapi import operation
from qmtl_site.outbox.schema import events_schema


class JSONUnlessAsked(DefaultContentNegotiation):
    """YAML for who names it; whatever else Accept says, JSON."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        try:
            return super().select_renderer(request, renderers, format_suffix)
        except NotAcceptable:
            return renderers[0], renderers[0].media_type


@extend_schema(exclude=True)
class SchemaDocument(SpectacularAPIView):
    access: ClassVar = {"GET": PUBLIC}
    authentication_classes = []
    renderer_classes = [OpenApiJsonRenderer, OpenApiYamlRenderer]
    content_negotiation_class = JSONUnlessAsked


@extend_schema(exclude=True)
class SchemaPage(SpectacularSwaggerView):
    access: ClassVar = {"GET": PUBLIC}
    authentication_classes = []
    renderer_classes = [TemplateHTMLRenderer]


class EventsSchema(ServiceView):
    access: ClassVar = {"GET": PUBLIC}

    @operation("JSON Schemas of all events (CloudEvents 1.0)", response=OpenApiTypes.OBJECT)
    def get(self, request: Any) -> HttpResponse:
        return self.reply(events_schema())
