"""Writes per token and minute, counted in Redis."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import redis
import structlog
from django.conf import settings
from rest_framework.throttling import BaseThrottle

log = structlog.get_logger(__name__)

WINDOW_SECONDS = 60
READS = {"GET", "HEAD"}


@cache
def counter() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5)


class WritesPerToken(BaseThrottle):
    """Without Redis nothing is counted: closing a gate must not wait for it. The limit guards against mistakes."""

    def allow_request(self, request: Any, view: Any) -> bool:
        if request.method in READS or request.auth is None:
            return True
        self.window = int(time.time()) // WINDOW_SECONDS
        key = f"writes:{request.auth.digest[:32]}:{self.window}"
        try:
            with counter().pipeline(transaction=False) as pipe:
                pipe.incr(key)
                pipe.expire(key, 2 * WINDOW_SECONDS)
                count, _ = pipe.execute()
        except redis.RedisError as error:
            log.warning("throttle.uncounted", error=type(error).__name__)
            return True
        return bool(count <= settings.WRITES_PER_MINUTE)

    def wait(self) -> float:
        return (self.window + 1) * WINDOW_SECONDS - time.time()
