"""Liveness, readiness per dependency, capabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpResponse
from pydantic import BaseModel

from qmtl_site.accounts.access import PUBLIC
from qmtl_site.accounts.views import ServiceView
from qmtl_site.http.openapi import operation

COMPUTE_CONTEXT_CONTRACT = "1"


class Alive(BaseModel):
    status: str


class Ready(BaseModel):
    status: str
    dependencies: dict[str, str]


class Capabilities(Ready):
    version: str
    rebalance_schema_version: int
    alpha_metrics_capable: bool
    compute_context_contract: str
    stream_url: str


def database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM ledger_ledger LIMIT 1")


def broker() -> None:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
    with client:
        client.ping()


def state_of(check: Callable[[], None]) -> str:
    try:
        check()
    except (DatabaseError, redis.RedisError, OSError) as error:
        return f"down: {type(error).__name__}"
    return "ok"


def dependencies() -> dict[str, str]:
    return {"database": state_of(database), "redis": state_of(broker)}


class Healthz(ServiceView):
    access: ClassVar = {"GET": PUBLIC}
    authentication_classes = []

    @operation("The process is alive", response=Alive, tags=["service"])
    def get(self, request: Any) -> HttpResponse:
        return self.reply({"status": "ok"})


class Readyz(ServiceView):
    """Ready when the database answers: without Redis everything still works, later (the driver makes it up)."""

    access: ClassVar = {"GET": PUBLIC}
    authentication_classes = []

    @operation("The service can work", response=Ready, also={503: Ready}, tags=["service"])
    def get(self, request: Any) -> HttpResponse:
        states = dependencies()
        ready = states["database"] == "ok"
        response = self.reply(
            {"status": "ready" if ready else "unavailable", "dependencies": states},
            status=200 if ready else 503,
        )
        if not ready:
            response["Retry-After"] = "5"
        return response


class Health(ServiceView):
    access: ClassVar = {"GET": PUBLIC}
    authentication_classes = []

    @operation("What the service can do", response=Capabilities, tags=["service"])
    def get(self, request: Any) -> HttpResponse:
        states = dependencies()
        return self.reply(
            {
                "status": "ok" if set(states.values()) == {"ok"} else "degraded",
                "dependencies": states,
                "version": settings.SPECTACULAR_SETTINGS["VERSION"],
                "rebalance_schema_version": 2 if settings.COMPAT_REBALANCE_V2 else 1,
                "alpha_metrics_capable": settings.COMPAT_REBALANCE_V2,
                "compute_context_contract": COMPUTE_CONTEXT_CONTRACT,
                "stream_url": settings.STREAM_URL,
            }
        )
