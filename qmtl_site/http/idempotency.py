"""`Idempotency-Key`: the same creation twice gives the first answer again, another one a 409."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta

from django.http import HttpResponse
from django.utils import timezone

from qmtl_site.http.documents import finished
from qmtl_site.http.models import IdempotencyKey
from qmtl_site.http.refusals import BadRequest, IdempotencyConflict
from qmtl_site.ledger.transactions import use_case

KEPT_FOR = timedelta(hours=24)


def request_hash(method: str, path: str, body: bytes) -> str:
    return hashlib.sha256(b"\n".join([method.encode(), path.encode(), body])).hexdigest()


@use_case
def answer_once(*, user_id: int, key: str, digest: str, answer: Callable[[], HttpResponse]) -> HttpResponse:
    """Run `answer` in one transaction with its key; a refusal rolls both back, so that it may be tried again.

    A concurrent second request waits on the unique key and then gets the first one's answer.
    """
    if not 1 <= len(key) <= 200 or not key.isprintable():
        raise BadRequest("An Idempotency-Key has 1 to 200 printable characters")
    IdempotencyKey.objects.bulk_create(
        [IdempotencyKey(user_id=user_id, key=key, request_hash=digest)], ignore_conflicts=True
    )
    kept = IdempotencyKey.objects.select_for_update().get(user_id=user_id, key=key)
    if kept.status and kept.created_at < timezone.now() - KEPT_FOR:
        kept.status, kept.request_hash, kept.created_at = 0, digest, timezone.now()
    if kept.request_hash != digest:
        raise IdempotencyConflict()
    if kept.status:
        return finished(bytes(kept.body), status=kept.status, Idempotency_Replayed="true")
    response = answer()
    if hasattr(response, "render"):
        response.render()
    kept.status, kept.body = response.status_code, response.content
    kept.save(update_fields=["status", "body", "request_hash", "created_at"])
    return response


def forget_old_keys() -> int:
    deleted, _ = IdempotencyKey.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()
    return deleted
