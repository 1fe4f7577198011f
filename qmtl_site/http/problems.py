"""Refusals and failures as RFC 9457 problem documents: the one place that knows both."""

from __future__ import annotations

from typing import Any

import pydantic
import structlog
from django.core.exceptions import BadRequest as DjangoBadRequest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django_fsm import TransitionNotAllowed
from pydantic_core import ErrorDetails
from rest_framework import exceptions as drf

from qmtl_site.database import is_lock_timeout
from qmtl_site.http import refusals
from qmtl_site.http.documents import PROBLEM_JSON, dump, finished
from qmtl_site.http.refusals import Fault, Refusal

log = structlog.get_logger(__name__)

PG_RETRYABLE = {"40001", "40P01", "55P03", "57014"}


def pointer(location: tuple[int | str, ...]) -> str:
    """JSON pointer (RFC 6901) of a path."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def faults_of(errors: list[ErrorDetails]) -> list[Fault]:
    return [Fault(place_of(error), error["msg"].removeprefix("Value error, ")) for error in errors[:100]]


def place_of(error: ErrorDetails) -> str:
    """Of a bad key, pydantic says `[key]` below it."""
    location = error["loc"]
    is_key = len(location) > 1 and location[-1] == "[key]"
    return pointer(location[:-1] if is_key else location)


def invalid(error: pydantic.ValidationError) -> refusals.Invalid:
    faults = faults_of(error.errors(include_url=False, include_context=False, include_input=False))
    first = faults[0]
    detail = f"{first.pointer}: {first.detail}" if first.pointer else first.detail
    return refusals.Invalid(detail, faults=faults)


def illegal_transition(error: TransitionNotAllowed) -> refusals.IllegalTransition:
    instance = error.object
    (field,) = {
        name.split("_")[2]
        for name in dir(instance)
        if name.startswith("get_available_") and name.endswith("_transitions") and "_user_" not in name
    }
    current = getattr(instance, field)
    open_names = sorted(t.name for t in getattr(instance, f"get_available_{field}_transitions")())
    return refusals.IllegalTransition(
        f"It is {current}; from there one can only: {', '.join(open_names) or 'nothing'}.",
        current=current,
        open=open_names,
    )


def refusal_of(error: BaseException) -> Refusal:
    """The refusal that an exception amounts to; an unknown one is Internal, and logged with its trace."""
    match error:
        case Refusal():
            return error
        case pydantic.ValidationError():
            return invalid(error)
        case TransitionNotAllowed():
            return illegal_transition(error)
        case Http404() | drf.NotFound():
            return refusals.NotFound()
        case drf.MethodNotAllowed():
            return refusals.MethodNotAllowed(str(error.detail))
        case drf.NotAuthenticated() | drf.AuthenticationFailed():
            return refusals.Unauthenticated()
        case drf.PermissionDenied() | PermissionDenied():
            return refusals.Forbidden()
        case drf.Throttled():
            refused = refusals.RateLimited()
            refused.headers["Retry-After"] = str(int(getattr(error, "wait", None) or 1) + 1)
            return refused
        case RequestDataTooBig():
            return refusals.TooLarge()
        case drf.ParseError() | drf.UnsupportedMediaType() | drf.NotAcceptable():
            return refusals.BadRequest(str(error))
        case SuspiciousOperation() | DjangoBadRequest():
            return refusals.BadRequest(str(error))
        case DataError():
            return refusals.Invalid("A value does not fit the database")
        case OperationalError() if is_lock_timeout(error):
            return refusals.Unavailable("Somebody else holds what this needs; try again")
        case OperationalError() | InterfaceError():
            log.warning("database.unavailable", error=type(error).__name__, detail=str(error)[:200])
            return refusals.Unavailable("The database does not answer")
    log.error("request.failed", exc_info=error)
    return refusals.Internal()


def problem(refused: Refusal, request_id: str) -> HttpResponse:
    document: dict[str, Any] = {
        "type": f"/docs/errors#{refused.code.lower()}",
        "title": refused.title,
        "status": refused.status,
        "detail": refused.detail,
        "code": refused.code,
        "error": refused.code,
        "errors": [fault.document() for fault in refused.faults],
        "request_id": request_id,
        **refused.extra,
    }
    response = finished(dump(document), status=refused.status, media_type=PROBLEM_JSON)
    for name, value in refused.headers.items():
        response[name] = value
    return response


def request_id_of(request: Any) -> str:
    return str(getattr(request, "request_id", ""))


def problem_response(error: Exception, context: dict[str, Any]) -> HttpResponse:
    """DRF's exception handler."""
    return problem(refusal_of(error), request_id_of(context["request"]))


# Django's handlers for what never reaches a view. People who browse the admin get pages, all others documents.
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return problem(refusals.NotFound(f"Nothing is served at {request.path[:200]}"), request_id_of(request))


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return problem(refusals.BadRequest(), request_id_of(request))


def server_error(request: HttpRequest) -> HttpResponse:
    return problem(refusals.Internal(), request_id_of(request))
