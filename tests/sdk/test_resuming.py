"""Where a run goes on: from the account that was saved, never from one that later trades are missing from."""

from __future__ import annotations

import queue
from pathlib import Path
from typing import Any

import pytest

from qmtl.sdk import StrategyError
from qmtl.sdk.runtime.feeds import QueueFeed, ReplayFeed
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
    assert (len(polled.warm_up), len(polled.again), replayed(polled)) == (4, 6, 0)


def test_without_a_memory_it_goes_on_after_what_was_told() -> None:
    found = bars({}, AT[6], replay=True)
    assert (len(found.warm_up), replayed(found)) == (7, 3)
    assert len(bars({}, None).warm_up) == len(HISTORY)


def test_a_feed_that_begins_later_is_completed_from_history() -> None:
    found = bars({"last": AT[3]}, AT[6], feed=QueueFeed(queue.Queue()))
    assert (len(found.warm_up), found.again.times.tolist()) == (4, AT[4:7])


@pytest.mark.parametrize(
    ("memory", "mode", "kind"),
    [
        ({"last": AT[3]}, "live", "ccxt"),
        ({"last": AT[3], "desks": {"live": {}}}, "paper", "ccxt"),
        ({"last": AT[3], "mode": "paper"}, "live", "paper"),
    ],
)
def test_the_past_is_not_ordered_at_an_exchange_nor_in_another_mode(
    memory: dict[str, Any], mode: str, kind: str
) -> None:
    found = bars(memory, AT[6], mode, kind=kind)
    assert (len(found.warm_up), len(found.again)) == (len(HISTORY), 0)


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
