"""The driver as a process: killed between sending and marking, it repeats and loses nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from qmtl_site.delivery import services
from qmtl_site.delivery.schemas import SubscriptionFields
from qmtl_site.outbox import events
from qmtl_site.outbox.models import DeliveryCursor
from tests import nursery
from tests.events.conftest import Committed
from tests.events.processes import environment
from tests.events.receivers import Posted, Receiver, receiving
from tests.evidence.notes import note
from tests.waiting import wait_for


@contextmanager
def driver(receiver: Receiver) -> Iterator[nursery.Process]:
    settings = {
        "QMTL_WEBHOOK_ALLOW": "127.0.0.0/8",
        "QMTL_WEBHOOK_CA_FILE": str(receiver.authority),
        "QMTL_WEBHOOK_TIMEOUT": "1s",
    }
    process = nursery.start("python manage.py driver", environment(**settings))
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture
def receiver(tmp_path: Path, settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOK_ALLOW = ["127.0.0.0/8"]
    with receiving(tmp_path) as it:
        yield it


def test_a_driver_killed_before_it_marks_sends_the_same_event_again(
    rows: Committed, receiver: Receiver
) -> None:
    rows.world("killed")
    fields = SubscriptionFields(
        name="desk", kind="webhook", world="killed", target=f"https://127.0.0.1:{receiver.port}/"
    )
    made, _ = services.create_subscription(fields=fields, actor=rows.root, reason="a test")
    begin = events.head("killed")

    def cursor_at() -> int:
        return DeliveryCursor.objects.get(consumer=made.consumer).sequence

    for number in range(3):
        note("killed", str(number))

    with driver(receiver) as first:

        def kill_at_the_second(posted: Posted) -> tuple[int, dict[str, str]]:
            if posted.event["sequence"] == begin + 1:
                os.kill(first.pid, signal.SIGKILL)
            return 204, {}

        receiver.answer = kill_at_the_second
        first.wait(timeout=40)
    assert receiver.sequences == [begin, begin + 1]
    receiver.answer = lambda posted: (204, {})
    with driver(receiver):
        wait_for(lambda: cursor_at() == begin + 3, 40)

    assert receiver.sequences == [begin, begin + 1, begin + 1, begin + 2, begin + 3]
    assert len({posted.headers["webhook-id"] for posted in receiver.posted}) == 4
