from __future__ import annotations

from celery import shared_task

from qmtl_site.http.idempotency import forget_old_keys


@shared_task(name="http.forget_idempotency_keys")
def forget_idempotency_keys() -> None:
    forget_old_keys()
