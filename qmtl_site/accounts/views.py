"""Base of all API views: parse, call one use case, render."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import structlog
from django.http import HttpResponse
from pydantic import BaseModel
from rest_framework.views import APIView

from qmtl_site.accounts.access import READ, Access
from qmtl_site.accounts.authentication import actor_of, digest_of_header
from qmtl_site.audit.actor import Actor
from qmtl_site.http.documents import dump, finished
from qmtl_site.http.idempotency import answer_once, request_hash
from qmtl_site.http.problems import invalid, problem_response
from qmtl_site.http.refusals import BadRequest, Fault, Invalid, Unauthenticated

M = TypeVar("M", bound=BaseModel)

# Path parameters that every log line of the request carries.
LOGGED = ("world_id", "strategy_id", "run_id")


def refuse_repeated_parameters(request: Any) -> None:
    """Invalid where the query gives a parameter twice: one of the two would be passed over."""
    if "&" not in request.META.get("QUERY_STRING", ""):
        return
    for name, values in request.GET.lists():
        if len(values) > 1:
            raise Invalid.at(f"?{name[:80]}", f"{name[:80]} is given {len(values)} times")


class ServiceView(APIView):
    """Declares `access` per method; OPTIONS is not served."""

    access: ClassVar[dict[str, Access]] = {}
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        structlog.contextvars.bind_contextvars(**{name: kwargs[name] for name in LOGGED if name in kwargs})
        super().initial(request, *args, **kwargs)
        refuse_repeated_parameters(request)

    @property
    def actor(self) -> Actor:
        return actor_of(self.request)

    def body(self, shape: type[M]) -> M:
        """The request's body as a typed document; 422 with a pointer per bad field."""
        data = self.request.data
        if not isinstance(data, dict):
            raise Invalid.at("", "the body must be a JSON object")
        return shape.model_validate(data)  # `strict=False` would take Strict() away from the fields

    def query(self, shape: type[M]) -> M:
        """The query's parameters as a typed document; 400 for a NUL, as in a body."""
        params = self.request.query_params.dict()
        for name, text in params.items():
            if "\0" in name or "\0" in text:
                said = "the query contains a NUL character"
                raise BadRequest(said, faults=[Fault("?" + name.replace("\0", ""), said)])
        try:
            return shape.model_validate(params)
        except ValueError as error:
            refused = invalid(error)  # type: ignore[arg-type]
            raise Invalid(
                refused.detail,
                faults=[Invalid.at("?" + f.pointer[1:], f.detail).faults[0] for f in refused.faults],
            ) from None

    def once(self, answer: Callable[[], HttpResponse]) -> HttpResponse:
        """Answer a creation, once per Idempotency-Key when the caller sends one."""
        key = self.request.META.get("HTTP_IDEMPOTENCY_KEY")
        if key is None:
            return answer()
        data = self.request.data
        digest = request_hash(
            str(self.request.method),
            self.request.get_full_path(),
            data if isinstance(data, bytes) else dump(data),
        )
        return answer_once(user_id=int(self.request.user.id or 0), key=key, digest=digest, answer=answer)

    @staticmethod
    def reply(
        document: Any, *, status: int = 200, etag: str | None = None, location: str | None = None
    ) -> HttpResponse:
        response = finished(dump(document), status=status)
        response["Cache-Control"] = "no-cache"
        if etag is not None:
            response["ETag"] = f'"{etag}"'
        if location is not None:
            response["Location"] = location
        return response


class AdmittedRead(ServiceView):
    """Its GET finds out who asks in the statement that reads (`admitted`): nothing is checked twice.

    Such a read goes past DRF's own request, negotiation, permissions and throttles: they would cost more than
    the read. The refusals, the schema and all other methods are DRF's as everywhere.
    """

    def __init_subclass__(cls) -> None:
        assert cls.access.get("GET", READ) is READ, "the statement admits whoever has any role in the world"

    def is_admitted_by_read(self, kwargs: dict[str, Any]) -> bool:
        return True

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if request.method not in {"GET", "HEAD"} or not self.is_admitted_by_read(kwargs):
            return super().dispatch(request, *args, **kwargs)
        try:
            refuse_repeated_parameters(request)
            return self.get(request, *args, **kwargs)  # type: ignore[attr-defined]
        except Exception as error:
            return problem_response(error, {"request": request})

    def digest(self, request: Any) -> str:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            raise Unauthenticated()
        return digest_of_header(header)
