"""A webhook's receiver, known by its name, and subscriptions to it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qmtl_site.delivery import services
from qmtl_site.delivery.lanes import Lane
from qmtl_site.delivery.pusher import Pusher
from qmtl_site.delivery.schemas import SubscriptionFields
from qmtl_site.outbox.models import DeliveryCursor, OutboxEvent, Subscription
from tests.events.conftest import Committed
from tests.events.receivers import NAME, Receiver, receiving
from tests.waiting import wait_for

# The secret of each subscription that a test made, by its consumer's name.
secrets_of: dict[str, str] = {}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with receiving(tmp_path_factory.mktemp("authority")) as it:
        yield it


@pytest.fixture
def receiver(server: Receiver, names: dict[str, list[str]], settings: Any) -> Receiver:
    """Known by its name, allowed, trusted, and empty."""
    settings.WEBHOOK_CA_FILE = str(server.authority)
    settings.WEBHOOK_ALLOW = ["127.0.0.0/8"]
    settings.WEBHOOK_SECONDS = 2.0
    settings.DELIVERY_BACKOFF_SECONDS = 0.003
    settings.DELIVERY_POLL_SECONDS = 0.05
    settings.REDIS_STREAMS = False
    names[NAME] = ["127.0.0.1"]
    server.posted.clear()
    server.answer = lambda posted: (204, {})
    return server


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What names stand for in this test; whoever asks is told the first address that is left, then that for ever."""
    known: dict[str, list[str]] = {}
    genuine = socket.getaddrinfo

    def look_up(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in known:
            return genuine(host, port, *args, **kwargs)
        address = known[host].pop(0) if len(known[host]) > 1 else known[host][0]
        return genuine(address, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


@pytest.fixture
def subscribed(rows: Committed, receiver: Receiver) -> Callable[..., Lane]:
    """`subscribed("alpha")`: a new world and a webhook that is told of its notes."""

    def subscribe(world: str, *types: str, **given: Any) -> Lane:
        if world and not OutboxEvent.objects.filter(stream=world).exists():
            rows.world(world)
        fields = SubscriptionFields.model_construct(
            name=world,
            kind="webhook",
            world=world,
            types=list(types) or ["test.noted"],
            target=given.get("target", receiver.url()),
        )
        subscription, lane_secret = services.create_subscription(
            fields=fields, actor=rows.root, reason="a test"
        )
        secrets_of[subscription.consumer] = lane_secret
        return Lane(subscription.consumer, world)

    return subscribe


@pytest.fixture(autouse=True)
def nobody_else_is_told(rows: Committed) -> Iterator[None]:
    yield
    Subscription.objects.filter(state="active").update(state="paused")


def push_until(done: Callable[[], object], seconds: float = 10.0) -> None:
    pusher = Pusher()
    pusher.start()
    try:
        wait_for(done, seconds)
    finally:
        pusher.stop()


def cursor_of(lane: Lane) -> DeliveryCursor:
    return DeliveryCursor.objects.get(consumer=lane.consumer, stream=lane.stream)
