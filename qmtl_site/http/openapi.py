"""The published schema: each operation with its shapes, its refusals and nothing undocumented."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from pydantic import BaseModel, Field

from qmtl_site.http import refusals
from qmtl_site.http.documents import JSON, PROBLEM_JSON
from qmtl_site.http.identifiers import PATH_PATTERNS
from qmtl_site.http.pagination import MAX_LIMIT
from qmtl_site.http.refusals import Refusal

F = TypeVar("F", bound=Callable[..., Any])

# What any operation of the API may answer: who you are, how often you ask, whether the service is well.
EVERYWHERE: tuple[type[Refusal], ...] = (
    refusals.BadRequest,
    refusals.Unauthenticated,
    refusals.Forbidden,
    refusals.NotFound,
    refusals.MethodNotAllowed,
    refusals.TooLarge,
    refusals.Invalid,
    refusals.RateLimited,
    refusals.Unavailable,
)


class ProblemFault(BaseModel):
    pointer: str = Field(description="JSON pointer into the body, or ?name of a query parameter.")
    detail: str
    nearest: list[str] = Field(default_factory=list, description="Nearest known names.")
    line: int | None = None
    column: int | None = None


class Problem(BaseModel):
    """RFC 9457 problem document."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    error: str = Field(description="The same code.")
    errors: list[ProblemFault]
    request_id: str


LIMIT = OpenApiParameter(
    "limit", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}, description="Items a page."
)
CURSOR = OpenApiParameter("cursor", str, description="`next_cursor` of the page before.")
PAGED = (LIMIT, CURSOR)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 200},
    OpenApiParameter.HEADER,
    description="The same key with the same body gives the first answer again, for 24 hours.",
)


def operation(
    summary: str,
    *,
    request: Any = None,
    response: Any = None,
    status: int = 200,
    also: Mapping[int, Any] | None = None,
    refused: Iterable[type[Refusal]] = (),
    parameters: Iterable[OpenApiParameter] = (),
    tags: Iterable[str] = (),
    conditional: bool = False,
    media_type: str = JSON,
    texts: Iterable[str] = (),
) -> Callable[[F], F]:
    """Describe a view method. `also`: further answers that are no problems; `conditional`: may answer 304;
    `texts`: media types that the same answer also comes in."""
    answers: dict[Any, Any] = {(status, media_type): response or OpenApiTypes.OBJECT}
    for text in texts:
        answers[(status, text)] = OpenApiTypes.STR
    for code, shape in (also or {}).items():
        answers[(code, JSON)] = shape
    if conditional:
        answers[304] = OpenApiResponse(description="Not modified")
    by_status: dict[int, list[str]] = {}
    for kind in {*EVERYWHERE, *refused}:
        by_status.setdefault(kind.status, []).append(kind.code)
    for code, names in by_status.items():
        answers[(code, PROBLEM_JSON)] = OpenApiResponse(Problem, description=", ".join(sorted(names)))
    extended: Callable[[F], F] = extend_schema(
        summary=summary,
        request=request,
        responses=answers,
        parameters=[*parameters],
        tags=[*tags] or None,
    )
    return extended


class ContractSchema(AutoSchema):
    """Path parameters with the patterns that the URLs really take."""

    def get_override_parameters(self) -> list[Any]:
        names = re.findall(r"{(\w+)}", self.path)
        return [
            *(self.path_parameter(name) for name in names),
            *super().get_override_parameters(),
        ]

    @staticmethod
    def path_parameter(name: str) -> OpenApiParameter:
        schema: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": 999_999_999}
        if pattern := PATH_PATTERNS.get(name):
            schema = {"type": "string", "pattern": f"^{pattern}$"}
        return OpenApiParameter(name, schema, OpenApiParameter.PATH)

    def map_parsers(self) -> list[str]:
        """The parser takes any content type; what is sent is JSON."""
        return [JSON]

    def get_operation_id(self) -> str:
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(self.view).__name__).lower()
        return f"{self.method.lower()}_{name}"

    def get_tags(self) -> list[str]:
        return [self.path.split("/")[1] or "service"]


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "qmtl_site.accounts.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


View = Callable[[HttpRequest], HttpResponse]
