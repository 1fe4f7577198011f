"""What can go wrong when one talks to the service, grouped by what the caller can do next.

- `Unreachable`: nothing answers, or it cannot work now. Nothing is known to have happened; try again later.
- `Refused`: the service understood and says no. `code` is one of docs/errors.md and has a class of its own here.
- `UnexpectedAnswer`: what came is not what the contract says: a proxy's page, another program, another version.
- `ConfigError`: the address or the token is missing or malformed; nothing was sent.

`exit_status` is what a command line says of it (spec: 1 refused, 2 usage, 4 unreachable).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


class QmtlError(Exception):
    """Whatever this client raises."""

    exit_status: ClassVar[int] = 1
    next_step: ClassVar[str] = ""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        if self.next_step:
            self.add_note(self.next_step)  # seen below a traceback, where nobody catches it


class ConfigError(QmtlError):
    """The client is not told where the service is, or its configuration cannot be read."""

    exit_status = 2
    next_step = "Run `qmtl login`, or set QMTL_URL and QMTL_TOKEN."


class BadInput(QmtlError, ValueError):
    """What was to be sent cannot be sent: NaN, Infinity, an empty id."""

    exit_status = 2


class Unreachable(QmtlError):
    """No answer came: the service is down, the address is wrong, or the network is cut."""

    exit_status = 4
    next_step = "Check the address (QMTL_URL) and that the service runs (`make run`), then try again."


class UnexpectedAnswer(QmtlError):
    """An answer that the contract does not know."""

    next_step = "Check that QMTL_URL is the address of QMTL and that both sides have fitting versions."


@dataclass(frozen=True)
class Fault:
    """One bad place of a request: a JSON pointer into the body, and what is wrong there."""

    pointer: str
    detail: str
    nearest: tuple[str, ...] = ()

    def __str__(self) -> str:
        hint = f" (did you mean {', '.join(self.nearest)}?)" if self.nearest else ""
        return f"{self.pointer or '/'}: {self.detail}{hint}"


class Refused(QmtlError):
    """The service refuses a request; nothing was changed. A problem document, RFC 9457."""

    code: ClassVar[str] = ""

    def __init__(
        self,
        detail: str,
        *,
        status: int,
        code: str = "",
        title: str = "",
        faults: Sequence[Fault] = (),
        request_id: str = "",
        retry_after: float | None = None,
        document: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail or title)
        self.detail = detail or title
        self.title = title
        self.status = status
        self.told_code = code or type(self).code
        self.faults = tuple(faults)
        self.request_id = request_id
        self.retry_after = retry_after
        self.document = dict(document or {})

    def __str__(self) -> str:
        # The first fault is the detail; the others are not told by it.
        more = [str(fault) for fault in self.faults if fault.detail not in self.detail]
        return "\n  ".join([f"{self.told_code or self.status}: {self.detail}", *more])


# --- mend the request -----------------------------------------------------------------------------------------
class BadRequest(Refused):
    code = "E_MALFORMED"


class SchemaVersionTooLow(BadRequest):
    code = "E_SCHEMA_VERSION_TOO_LOW"


class TooLarge(Refused):
    code = "E_TOO_LARGE"


class Invalid(Refused):
    code = "E_VALIDATION"


class MethodNotAllowed(Refused):
    code = "E_METHOD"


class StreamElsewhere(Refused):
    code = "E_STREAM_ELSEWHERE"


# --- ask somebody for access ----------------------------------------------------------------------------------
class Unauthenticated(Refused):
    code = "E_UNAUTHENTICATED"
    next_step = "Run `qmtl login`, or set QMTL_TOKEN to a valid token."


class Forbidden(Refused):
    code = "E_FORBIDDEN"
    next_step = "Ask an owner of the world for the role (docs/permissions.md)."


class NotFound(Refused):
    code = "E_NOT_FOUND"


# --- read the current state, then decide again ----------------------------------------------------------------
class PreconditionFailed(Refused):
    code = "E_PRECONDITION"
    next_step = "Read it again: somebody else changed it meanwhile."


class Conflict(Refused):
    """The current state does not allow it."""


class AlreadyLive(Conflict):
    code = "E_ALREADY_LIVE"


class ApplyInProgress(Conflict):
    code = "E_APPLY_IN_PROGRESS"


class BreakerEngaged(Conflict):
    code = "E_BREAKER_ENGAGED"


class CrossContext(Conflict):
    code = "E_CROSS_CONTEXT"


class EvaluationInProgress(Conflict):
    code = "E_EVALUATION_IN_PROGRESS"


class FingerprintMissing(Conflict):
    code = "E_FINGERPRINT"


class FourEyes(Conflict):
    code = "E_FOUR_EYES"


class GateClosed(Conflict):
    code = "E_GATE_CLOSED"


class IdempotencyConflict(Conflict):
    code = "E_IDEMPOTENCY"


class IllegalTransition(Conflict):
    code = "E_ILLEGAL_TRANSITION"


class LiveNotAllowed(Conflict):
    code = "E_LIVE_NOT_ALLOWED"


class NoExecutor(Conflict):
    code = "E_NO_EXECUTOR"


class NoSlot(Conflict):
    code = "E_NO_SLOT"


class NotLive(Conflict):
    code = "E_NOT_LIVE"


class RunConflict(Conflict):
    code = "E_RUN_CONFLICT"


class RunFinal(Conflict):
    code = "E_RUN_FINAL"


class RunNotEvaluated(Conflict):
    code = "E_RUN_NOT_EVALUATED"


class SnapshotConflict(Conflict):
    code = "E_SNAPSHOT_CONFLICT"


class StaleAck(Conflict):
    code = "E_STALE_ACK"


class StrategyExists(Conflict):
    code = "E_STRATEGY_EXISTS"


class WorldExists(Conflict):
    code = "E_WORLD_EXISTS"


class WorldHasLive(Conflict):
    code = "E_WORLD_HAS_LIVE"


class WorldRetired(Conflict):
    code = "E_WORLD_RETIRED"


# --- wait, then repeat ----------------------------------------------------------------------------------------
class RateLimited(Refused):
    code = "E_RATE_LIMITED"


class Internal(Refused):
    code = "E_INTERNAL"
    next_step = "Tell an operator the request id; the service's log has the rest."


class Unavailable(Refused, Unreachable):
    """It answers, but what it needs (its database) does not."""

    code = "E_UNAVAILABLE"
    exit_status = 4


def kinds() -> Iterator[type[Refused]]:
    """Every class of a code."""

    def below(kind: type[Refused]) -> Iterator[type[Refused]]:
        for child in kind.__subclasses__():
            if child.code:
                yield child
            yield from below(child)

    yield from below(Refused)


BY_CODE: dict[str, type[Refused]] = {kind.code: kind for kind in kinds()}
BY_STATUS: dict[int, type[Refused]] = {
    400: BadRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    409: Conflict,
    412: PreconditionFailed,
    413: TooLarge,
    422: Invalid,
    429: RateLimited,
    500: Internal,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}
"""For codes that came after this client, and for what a proxy says by itself."""


def refusal_of(status: int, document: Mapping[str, Any], *, retry_after: float | None = None) -> Refused:
    """The error that a problem document amounts to; of an unknown code, that of its status."""
    code = str(document.get("code") or document.get("error") or "")
    kind = BY_CODE.get(code) or BY_STATUS.get(status, Refused)
    faults = [
        Fault(str(each.get("pointer", "")), str(each.get("detail", "")), tuple(each.get("nearest") or ()))
        for each in document.get("errors") or ()
        if isinstance(each, Mapping)
    ]
    return kind(
        str(document.get("detail") or ""),
        status=status,
        code=code,
        title=str(document.get("title") or f"HTTP status {status}"),
        faults=faults,
        request_id=str(document.get("request_id") or ""),
        retry_after=retry_after,
        document=document,
    )
