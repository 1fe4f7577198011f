"""The driver's part that sends to other systems, on threads of its own: a receiver that hangs holds up nobody else.

One thread looks for what is due; some send to webhooks and services, a few of them at most for one subscription; one
publishes to Redis. Each step begins from what is stored, so the process may die at any moment.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable
from functools import partial

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from qmtl_site.delivery import redis_streams
from qmtl_site.delivery.lanes import due_lanes
from qmtl_site.delivery.replays import due_replays, try_again
from qmtl_site.delivery.turns import take_turn
from qmtl_site.delivery.workers import Workers
from qmtl_site.outbox.models import DeadLetter

log = structlog.get_logger(__name__)

SENDERS = 8
SENDERS_OF_ONE = 2
LOOK_AHEAD = 200
STOP_SECONDS = 2.0
REDIS_CHECK_SECONDS = 5.0
REDIS_REST_SECONDS = 1.0
LONGEST_REDIS_REST = 30.0


class Pusher:
    def __init__(self) -> None:
        self.news, self.stopping = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.run, name="pusher", daemon=True)
        self.senders, self.publisher = Workers("sender", SENDERS), Workers("redis", 1)
        self.lock = threading.Lock()
        self.busy: dict[Hashable, str] = {}  # what is being done, and for which consumer
        self.redis_rests_until = self.redis_checked_at = 0.0
        self.redis_rest = REDIS_REST_SECONDS

    def start(self) -> None:
        self.thread.start()

    def wake(self) -> None:
        """Look now; it would look by itself soon."""
        self.news.set()

    def stop(self) -> None:
        """Begin nothing new. What is being sent may be cut: it is sent again by the next process."""
        self.stopping.set()
        self.news.set()
        self.thread.join(STOP_SECONDS)
        for workers in (self.senders, self.publisher):
            workers.stop(STOP_SECONDS)

    def run(self) -> None:
        while not self.stopping.is_set():
            self.news.clear()
            try:
                self.look()
            except (DatabaseError, InterfaceError) as error:
                log.warning("pusher.database_lost", error=str(error)[:200])
                connection.close()
            except Exception:
                log.exception("pusher.failed")
            self.news.wait(settings.DELIVERY_POLL_SECONDS)
        connection.close()

    def look(self) -> None:
        """Begin everything that is due and that nobody here is at."""
        close_old_connections()
        if settings.REDIS_STREAMS and time.monotonic() >= self.redis_rests_until:
            self.begin(self.publisher, "redis", "redis", self.publish)
        for lane in due_lanes(LOOK_AHEAD):
            self.begin(self.senders, lane, lane.consumer, partial(take_turn, lane))
        for key in due_replays(LOOK_AHEAD):
            self.begin(self.senders, key, self.consumer_of(key), partial(try_again, key))

    @staticmethod
    def consumer_of(key: int) -> str:
        found = DeadLetter.objects.filter(pk=key).values_list("subscription_id", flat=True).first()
        return f"subscription:{found}"

    def begin(self, workers: Workers, key: Hashable, consumer: str, work: Callable[[], object]) -> None:
        """Start a piece of work, unless it is under way or its consumer has its share of the threads."""
        with self.lock:
            full = Counter(self.busy.values())[consumer] >= SENDERS_OF_ONE
            if key in self.busy or full or self.stopping.is_set():
                return
            self.busy[key] = consumer
        workers.submit(partial(self.do, key, work))

    def do(self, key: Hashable, work: Callable[[], object]) -> None:
        """Do it and look again: there may be more where it came from."""
        try:
            if self.stopping.is_set():
                return
            close_old_connections()
            if work():
                self.news.set()
        except (DatabaseError, InterfaceError) as error:
            log.warning("pusher.database_lost", error=str(error)[:200])
            connection.close()
        except Exception:
            log.exception("pusher.work_failed", key=str(key))
        finally:
            with self.lock:
                del self.busy[key]

    def publish(self) -> int:
        """Bring Redis up to date; while it is away, ask it less and less often."""
        try:
            if time.monotonic() - self.redis_checked_at >= REDIS_CHECK_SECONDS:
                lost = redis_streams.publish_again_what_was_lost()
                self.redis_checked_at = time.monotonic()
                if lost:
                    log.warning("redis_streams.lost", worlds=lost)
            published = redis_streams.publish_due()
        except redis.RedisError as error:
            log.warning("redis_streams.away", error=type(error).__name__, rest=self.redis_rest)
            self.redis_rests_until = time.monotonic() + self.redis_rest
            self.redis_rest = min(self.redis_rest * 2, LONGEST_REDIS_REST)
            self.redis_checked_at = 0.0  # it may come back with less than it had
            return 0
        self.redis_rest = REDIS_REST_SECONDS
        return published
