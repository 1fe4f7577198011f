"""Where the bars of a run come from: what its caller wants, out of what the world declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qmtl.client import Client
from qmtl.client.documents import DataPreset, World
from qmtl.sdk.data import Provider, choose, load
from qmtl.sdk.frame import Frame, frame_of
from qmtl.sdk.intervals import parse_time
from qmtl.sdk.runtime.feeds import Feed, PollingFeed
from qmtl.sdk.runtime.resuming import Bars, bars_of, reached_by

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which bars, as the arguments of `Runner.run` say it."""

    data_preset: str | None = None
    data: Any = None
    provider: Provider | None = None
    feed: Feed | None = None
    replay: bool = False
    speed: float | None = None
    start: str | None = None

    def preset(self, world: World) -> DataPreset:
        return choose(world.data_presets, self.data_preset, world.id)

    def history(self, world: World) -> Frame:
        """All bars that there are."""
        if self.data is not None:
            interval = world.data_presets[0].interval if world.data_presets else "1d"
            return frame_of(self.data, interval=interval).check(periods_per_year=world.periods_per_year)
        return load(self.preset(world), provider=self.provider, periods_per_year=world.periods_per_year)

    def polled(self, world: World, after: int, say: Say) -> Feed:
        return PollingFeed(
            self.preset(world),
            after=after,
            provider=self.provider,
            on_failure=lambda error: say(f"no data: {error}"),
        )


def bars_to_come(
    client: Client,
    world: World,
    strategy_id: str,
    wanted: Wanted,
    history: Frame,
    memory: Mapping[str, Any],
    *,
    mode: str,
    kind: str,
    say: Say,
) -> Bars:
    """From where earlier runs have come to. `mode`: the strategy's now; `kind`: of the world's broker."""

    def newest_reported() -> int | None:
        newest = next(iter(client.performance(world.id, strategy_id, limit=1)), None)
        if newest is None:
            return None
        if not memory:
            say(
                f"no account is remembered here: it begins with an empty one, after what was reported until {newest.ts}"
            )
        return round(newest.ts.timestamp() * 1000)

    return bars_of(
        history,
        reached_by(memory, mode, kind=kind, reported=newest_reported),
        start=parse_time(wanted.start) - 1 if wanted.start else None,
        feed=wanted.feed,
        replay=wanted.replay,
        speed=wanted.speed,
        poll=lambda after: wanted.polled(world, after, say),
    )
