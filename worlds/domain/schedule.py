"""The schedule of a world: the slot that a moment is in, the next one, and how old a decision may be.

A slot begins where the schedule fires and lasts until it fires again. All moments are aware and in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from worlds.domain.firings import following_firing, longest_gap, newest_firing
from worlds.domain.policy import Policy
from worlds.domain.policy.cron import Crontab
from worlds.domain.policy.running import Schedule

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def slot_of(schedule: Schedule, now: datetime) -> datetime:
    """Start of the slot that `now` is in.

    `every`: the last multiple since the Unix epoch, so that `1d` is midnight UTC and `1w` a Thursday. A crontab:
    its newest firing. A local time that does not exist fires when the clock jumps over it; one that happens twice
    fires the first time only.
    """
    if schedule.crontab is None:
        every = interval(schedule)
        return EPOCH + (now - EPOCH) // every * every
    return newest_firing(*timed(schedule), now)


def next_after(schedule: Schedule, moment: datetime) -> datetime:
    """Start of the first slot that begins after `moment`."""
    if schedule.crontab is None:
        return slot_of(schedule, moment) + interval(schedule)
    return following_firing(*timed(schedule), moment)


def max_age(policy: Policy) -> timedelta:
    """The age from which a decision is stale: `decision.max_age`, else twice the schedule.

    Twice a crontab's schedule is twice the longest gap between two firings, within 80 years of the calendar. A
    clock that is set back makes a longer one: where a crontab fires oftener than each hour, its decisions go
    stale for the rest of the repeated hour, rather than being trusted longer all the year.
    """
    if policy.decision.max_age is not None:
        return policy.decision.max_age.delta
    if policy.schedule.every is not None:
        return 2 * policy.schedule.every.delta
    return 2 * longest_gap(timed(policy.schedule)[0])


def interval(schedule: Schedule) -> timedelta:
    if schedule.every is None:
        raise ValueError("a schedule has every or crontab")
    return schedule.every.delta


def timed(schedule: Schedule) -> tuple[Crontab, ZoneInfo]:
    if schedule.crontab is None:
        raise ValueError("a schedule has every or crontab")
    return parsed(schedule.crontab), ZoneInfo(schedule.timezone or "UTC")


@lru_cache(maxsize=1024)
def parsed(crontab: str) -> Crontab:
    return Crontab.parse(crontab)
