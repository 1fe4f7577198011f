"""Refusals: exceptions with a stable code, grouped by what the caller can do next.

Every app declares its own below one of these groups (`errors.py`); `problems.py` turns them into HTTP.
`catalogue()` lists all of them: the documentation page is made from it.

- `BadRequest` (400), `Invalid` (422), `TooLarge` (413): mend the request.
- `Unauthenticated` (401), `Forbidden` (403), `NotFound` (404): ask somebody for access.
- `PreconditionFailed` (412), `Conflict` (409): read the current state, then decide again.
- `RateLimited` (429), `Unavailable` (503): wait for `Retry-After`, then repeat.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Fault:
    """One bad place of a request: a JSON pointer (RFC 6901) into the body and what is wrong there."""

    pointer: str
    detail: str
    nearest: tuple[str, ...] = ()
    line: int | None = None
    column: int | None = None

    def document(self) -> dict[str, Any]:
        fields: dict[str, Any] = {"pointer": self.pointer, "detail": self.detail}
        if self.nearest:
            fields["nearest"] = list(self.nearest)
        if self.line is not None:
            fields |= {"line": self.line, "column": self.column}
        return fields


class Refusal(Exception):
    """The service refuses a request; nothing was changed."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = ""
    title: ClassVar[str] = ""

    def __init__(self, detail: str = "", *, faults: Sequence[Fault] = (), **extra: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.faults = tuple(faults)
        self.extra = extra
        self.headers: dict[str, str] = {}


class BadRequest(Refusal):
    status, code, title = 400, "E_MALFORMED", "The request could not be read"


class SchemaVersionTooLow(BadRequest):
    code, title = "E_SCHEMA_VERSION_TOO_LOW", "A newer schema version is required"


class Unauthenticated(Refusal):
    status, code, title = 401, "E_UNAUTHENTICATED", "A valid token is required"

    def __init__(self, detail: str = "", **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.headers["WWW-Authenticate"] = 'Bearer realm="qmtl"'


class Forbidden(Refusal):
    status, code, title = 403, "E_FORBIDDEN", "Your roles do not allow this"


class NotFound(Refusal):
    status, code, title = 404, "E_NOT_FOUND", "There is no such thing, or you have no role in its world"


class MethodNotAllowed(Refusal):
    status, code, title = 405, "E_METHOD", "This method is not allowed here"


class Conflict(Refusal):
    status, code, title = 409, "", "The current state does not allow this"


class IllegalTransition(Conflict):
    code, title = "E_ILLEGAL_TRANSITION", "The current state has no such transition"


class IdempotencyConflict(Conflict):
    code, title = "E_IDEMPOTENCY", "It was sent before with another content"


class PreconditionFailed(Refusal):
    status, code, title = 412, "E_PRECONDITION", "The resource has changed since you read it"


class TooLarge(Refusal):
    status, code, title = 413, "E_TOO_LARGE", "The body is larger than allowed"


class Invalid(Refusal):
    status, code, title = 422, "E_VALIDATION", "The request was understood but is not valid"

    @classmethod
    def at(cls, pointer: str, detail: str, *, nearest: Sequence[str] = ()) -> Invalid:
        return cls(detail, faults=[Fault(pointer, detail, tuple(nearest))])


class RateLimited(Refusal):
    status, code, title = 429, "E_RATE_LIMITED", "Too many requests"


class Internal(Refusal):
    status, code, title = 500, "E_INTERNAL", "The service failed; the request id finds it in the log"


class Unavailable(Refusal):
    status, code, title = 503, "E_UNAVAILABLE", "A dependency does not answer; try again later"

    def __init__(self, detail: str = "", *, retry_after: int = 5, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.headers["Retry-After"] = str(retry_after)


def catalogue() -> list[type[Refusal]]:
    """Every refusal that has a code, by status and code."""

    def below(kind: type[Refusal]) -> Iterator[type[Refusal]]:
        for child in kind.__subclasses__():
            yield child
            yield from below(child)

    return sorted({kind for kind in below(Refusal) if kind.code}, key=lambda kind: (kind.status, kind.code))
