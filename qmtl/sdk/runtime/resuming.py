"""Where a run goes on: which bars only warm up, which are traded once more, which were missed, and which come then."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qmtl.sdk.frame import Bar, Frame
from qmtl.sdk.runtime.feeds import Feed, ReplayFeed


@dataclass(frozen=True)
class Bars:
    """`warm_up`: seen by the nodes, traded by nobody. `again`: bars after the saved account, which a process that was
    killed may have traded. With the account of that time they give the same orders, fills and performance, under the
    same ids, which the service takes as what it has. `missed`: nobody traded them, and nobody can any more; what was
    held through them is marked. `feed`: what comes then; one that is polled says itself what of that was missed."""

    warm_up: Frame
    again: Frame
    missed: Frame
    feed: Feed

    def bars(self, stop: threading.Event) -> Iterator[tuple[Bar, bool]]:
        """What is left after the warm-up, and of each bar whether it was missed."""
        for bar in ReplayFeed(self.again).bars(stop):
            yield bar, False
        for bar in ReplayFeed(self.missed).bars(stop):
            yield bar, True
        for bar in self.feed.bars(stop):
            yield bar, bool(getattr(self.feed, "is_behind", False))


@dataclass(frozen=True)
class Reached:
    """How far earlier runs came, milliseconds; None: not at all. `saved`: the account on disk. `reported`: the newest
    performance at the service, looked up when it is needed. `in_the_past`: whether bars of the past may be traded; not
    where orders would go to an exchange now, nor where they were of another mode. `is_held`: whether the account that
    was saved is the one that trades now, so that what it holds is marked with the bars that it missed."""

    saved: int | None
    reported: Callable[[], int | None]
    in_the_past: bool
    is_held: bool

    @property
    def goes_on(self) -> bool:
        """From the account as it was saved, which nothing that came later is missing from."""
        return self.saved is not None and self.in_the_past

    def after(self, start: int | None) -> int | None:
        """The last bar that only warms up."""
        known = [start, self.saved, None if self.goes_on else self.reported()]
        return max((each for each in known if each is not None), default=None)


def reached_by(
    memory: Mapping[str, Any], mode: str, *, kind: str, reported: Callable[[], int | None]
) -> Reached:
    """`memory`: what was saved. `mode`: the strategy's now. `kind`: of the world's broker."""
    saved = memory.get("last")
    is_live = mode == "live" or "live" in (memory.get("desks") or {})
    at_exchange = kind != "paper" and is_live
    is_promoted = (memory.get("stay") or memory.get("mode")) == "paper" and mode == "live"
    return Reached(
        None if saved is None else int(saved),
        reported,
        in_the_past=not (at_exchange or is_promoted),
        is_held=saved is not None and not is_promoted,
    )


def bars_of(
    history: Frame,
    reached: Reached,
    *,
    start: int | None,
    feed: Feed | None,
    replay: bool,
    speed: float | None,
    poll: Callable[[int], Feed],
) -> Bars:
    """`start`: the last bar before the one that the author wants to begin with. `poll`: a feed of bars after one."""
    after = reached.after(start)
    none = history.part(stop=int(history.times[0]))
    warm_up = none if after is None else history.part(stop=after + 1)
    if feed is not None:
        return Bars(warm_up, known_again(history, reached, after) or none, none, feed)
    if replay:
        rest = history.part(None if after is None else after + 1)
        return Bars(warm_up, none, none, ReplayFeed(rest, speed))
    newest = int(history.times[-1])
    if after is None or not len(warm_up):
        return Bars(history, none, none, poll(newest))
    if reached.goes_on:
        again = known_again(history, reached, after) or none
        return Bars(warm_up, again, none, poll(int(again.times[-1]) if len(again) else after))
    if reached.is_held:
        return Bars(warm_up, none, history.part(after + 1), poll(newest))
    return Bars(history, none, none, poll(newest))


def known_again(history: Frame, reached: Reached, after: int | None) -> Frame | None:
    """What was told is more than what was saved: up to there the bars come from history, also where a feed that
    somebody gives begins later."""
    told = reached.reported() if reached.goes_on else None
    if told is None or after is None or told <= after:
        return None
    return history.part(after + 1, told + 1)
