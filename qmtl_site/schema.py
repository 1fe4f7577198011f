"""The published OpenAPI schema and its page."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import TemplateHTMLRenderer

from qmtl_site.accounts.access import PUBLIC


@extend_schema(exclude=True)
class SchemaDocument(SpectacularAPIView):
    access: ClassVar = {"GET": PUBLIC}
    authentication_classes = []
    renderer_classes = [OpenApiJsonRenderer, OpenApiYamlRenderer]
    content_negotiation_class = DefaultContentNegotiation


@extend_schema(exclude=True)
class SchemaPage(SpectacularSwaggerView):
    access: ClassVar = {"GET": PUBLIC}
    authentication_classes = []
    renderer_classes = [TemplateHTMLRenderer]
