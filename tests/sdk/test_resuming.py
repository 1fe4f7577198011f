"""Where a run goes on: from the account that was saved, never from one that later trades are missing from."""

from __future__ import annotations

import queue
import threading
from pathlib import Path
from typing import Any

import pytest

from qmtl.client.documents import DataPreset
from qmtl.sdk import Frame, StrategyError
from qmtl.sdk.runtime.feeds import PollingFeed, QueueFeed, ReplayFeed
from qmtl.sdk.runtime.resuming import Bars, bars_of, reached_by
from qmtl.sdk.runtime.saved import Saved
from tests.sdk.authors import prices

HISTORY = prices(10, 1)
AT = HISTORY.times.tolist()


def bars(memory: dict[str, Any], reported: int | None, mode: str = "paper", **options: Any) -> Bars:
    reached = reached_by(memory, mode, kind=options.pop("kind", "paper"), reported=lambda: reported)
    given: dict[str, Any] = {"start": None, "feed": None, "replay": False, "speed": None, **options}
    return bars_of(HISTORY, reached, poll=lambda after: ReplayFeed(HISTORY.part(after + 1)), **given)


def replayed(found: Bars) -> int:
    assert isinstance(found.feed, ReplayFeed)
    return len(found.feed.frame)


def test_a_memory_goes_before_what_was_told() -> None:
    found = bars({"last": AT[3]}, AT[6], replay=True)
    assert (len(found.warm_up), len(found.again), replayed(found)) == (4, 0, 6)
    polled = bars({"last": AT[3]}, AT[6])
    assert (len(polled.warm_up), len(polled.again), replayed(polled)) == (4, 3, 3)
    untold = bars({"last": AT[3]}, AT[3])
    assert (len(untold.warm_up), len(untold.again), replayed(untold)) == (4, 0, 6)


def test_without_a_memory_it_goes_on_after_what_was_told() -> None:
    found = bars({}, AT[6], replay=True)
    assert (len(found.warm_up), replayed(found)) == (7, 3)
    assert len(bars({}, None).warm_up) == len(HISTORY)


def test_a_feed_that_begins_later_is_completed_from_history() -> None:
    found = bars({"last": AT[3]}, AT[6], feed=QueueFeed(queue.Queue()))
    assert (len(found.warm_up), found.again.times.tolist()) == (4, AT[4:7])


@pytest.mark.parametrize(
    ("memory", "mode", "missed"),
    [
        ({"last": AT[3]}, "live", 3),
        ({"last": AT[3], "desks": {"live": {}}}, "paper", 3),
        ({"last": AT[3], "mode": "paper"}, "live", 0),
        ({"last": AT[3], "mode": "compute-only", "stay": "paper"}, "live", 0),
    ],
)
def test_the_past_is_not_ordered_at_an_exchange_nor_in_another_mode(
    memory: dict[str, Any], mode: str, missed: int
) -> None:
    found = bars(memory, AT[6], mode, kind="ccxt")
    assert (len(found.warm_up), len(found.again)) == (len(HISTORY) - missed, 0)
    assert (len(found.missed), replayed(found)) == (missed, 0)


class Source:
    """A provider that has so many bars by now."""

    def __init__(self, count: int) -> None:
        self.count = count

    def load(self, preset: DataPreset) -> Frame:
        return HISTORY.part(stop=AT[self.count] if self.count < len(AT) else None)


def test_of_several_new_bars_the_newest_alone_is_not_late() -> None:
    source, stop = Source(7), threading.Event()
    feed = PollingFeed(DataPreset(id="d", source="csv"), after=AT[3], provider=source, pause=0.01)
    given = []
    for bar in feed.bars(stop):
        given.append((bar.time, feed.is_behind))
        source.count += bar.time == AT[6]
        if bar.time == AT[7]:
            stop.set()
    assert given == [(AT[4], True), (AT[5], True), (AT[6], False), (AT[7], False)]


def test_one_at_a_time_has_the_memory(tmp_path: Path) -> None:
    one, other = Saved(tmp_path, "w", "a"), Saved(tmp_path, "w", "a")
    with one.held():
        with pytest.raises(StrategyError, match="another process runs") as refused, other.held():
            pass
        with Saved(tmp_path, "w", "b").held():
            pass
    assert refused.value.exit_status == 2
    with other.held():
        assert one.read() is None
