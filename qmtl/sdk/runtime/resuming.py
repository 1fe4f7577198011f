"""Where a run goes on: which bars only warm up, which are traded once more, and which come then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qmtl.sdk.frame import Frame
from qmtl.sdk.runtime.feeds import Feed, ReplayFeed


@dataclass(frozen=True)
class Bars:
    """`warm_up`: seen by the nodes, traded by nobody. `again`: bars after the saved account, which a process that was
    killed may have traded. With the account of that time they give the same orders, fills and performance, under the
    same ids, which the service takes as what it has. `feed`: what comes then."""

    warm_up: Frame
    again: Frame
    feed: Feed


@dataclass(frozen=True)
class Reached:
    """How far earlier runs came, milliseconds; None: not at all. `saved`: the account on disk. `reported`: the newest
    performance at the service, looked up when it is needed. `in_the_past`: whether bars of the past may be traded; not
    where orders would go to an exchange now, nor where they were of another mode."""

    saved: int | None
    reported: Callable[[], int | None]
    in_the_past: bool

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
    is_promoted = memory.get("mode") == "paper" and mode == "live"
    return Reached(
        None if saved is None else int(saved), reported, in_the_past=not (at_exchange or is_promoted)
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
        return Bars(warm_up, known_again(history, reached, after) or none, feed)
    if replay:
        return Bars(warm_up, none, ReplayFeed(history.part(None if after is None else after + 1), speed))
    newest = int(history.times[-1])
    if not reached.goes_on or after is None or not len(warm_up):
        return Bars(history, none, poll(newest))
    return Bars(warm_up, history.part(after + 1), poll(newest))


def known_again(history: Frame, reached: Reached, after: int | None) -> Frame | None:
    """A feed that somebody gives may begin after what was told: the bars up to there come from history."""
    told = reached.reported() if reached.goes_on else None
    if told is None or after is None or told <= after:
        return None
    return history.part(after + 1, told + 1)
