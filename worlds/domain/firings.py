"""When a crontab fires: first as readings of a clock on the wall, then as moments in its timezone."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from worlds.domain.policy.cron import Crontab

LONGEST_WAIT: Final = 40 * 12
"""Months. 29 February falls on a given weekday once in 28 years, or in 40 where a century has no leap day."""
SAMPLE: Final = (date(2000, 1, 1), 80 * 12)
"""First day and months of the calendar in which the longest gap is looked for: 29 February has come on every
weekday twice."""


def newest_firing(crontab: Crontab, zone: ZoneInfo, now: datetime) -> datetime:
    """The last moment, not after `now`, at which it fires."""
    return next(
        moment
        for clock in _readings_until(crontab, _latest_reading(zone, now))
        if (moment := moment_of(clock, zone)) <= now
    )


def following_firing(crontab: Crontab, zone: ZoneInfo, moment: datetime) -> datetime:
    """The first moment, after `moment`, at which it fires."""
    clock = moment.astimezone(zone).replace(tzinfo=None)
    # An hour that the clock shows again brings readings whose moment has been: they are passed over.
    return next(
        firing for reading in _readings_after(crontab, clock) if (firing := moment_of(reading, zone)) > moment
    )


def moment_of(clock: datetime, zone: ZoneInfo) -> datetime:
    """When a clock of the zone reads `clock`, in UTC.

    The first time where it does so twice; where it never does, the moment it jumps over that reading. Later
    readings so never have earlier moments.
    """
    first = clock.replace(tzinfo=zone, fold=0)
    second = clock.replace(tzinfo=zone, fold=1)
    first_utc, second_utc = first.astimezone(UTC), second.astimezone(UTC)
    # What is skipped has its fold the wrong way round (PEP 495): a way to tell it, and a bracket of the jump.
    return first_utc if first_utc <= second_utc else _jump_between(second_utc, first_utc, zone)


@lru_cache(maxsize=1024)
def longest_gap(crontab: Crontab) -> timedelta:
    """The longest time between two firings, by a clock that nobody sets forward or back.

    Found between all firings of 80 years of the calendar, as differences of dates and of times of day.
    """
    times = [timedelta(hours=each.hour, minutes=each.minute) for each in _times_of_day(crontab)]
    within_a_day = max((later - earlier for earlier, later in pairwise(times)), default=timedelta(0))
    days = (day.toordinal() for day in _dates(crontab, _months_from(*SAMPLE)))
    between_days = timedelta(days=max(later - earlier for earlier, later in pairwise(days)))
    return max(within_a_day, between_days - (times[-1] - times[0]))


def _latest_reading(zone: ZoneInfo, now: datetime) -> datetime:
    """No reading that the clock has shown until now is later; in an hour it shows again, it has been ahead."""
    local = now.astimezone(zone)
    ahead = local.replace(fold=0).utcoffset(), local.utcoffset()
    set_back = (ahead[0] or timedelta(0)) - (ahead[1] or timedelta(0))
    return local.replace(tzinfo=None) + set_back


def _jump_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first second at which the zone has another offset than at `before`."""
    offset = before.astimezone(zone).utcoffset()

    def has_jumped(second: int) -> bool:
        return (before + timedelta(seconds=second)).astimezone(zone).utcoffset() != offset

    seconds = range(int((after - before).total_seconds()) + 1)
    return before + timedelta(seconds=bisect_left(seconds, True, key=has_jumped))


# --- readings of a clock ----------------------------------------------------------------------------------
def _readings_after(crontab: Crontab, clock: datetime) -> Iterator[datetime]:
    """Readings at which it fires, later than `clock`, in order."""
    times = _times_of_day(crontab)
    for day in _dates(crontab, _months_from(clock.date(), LONGEST_WAIT)):
        if day >= clock.date():
            start = bisect_right(times, clock.time()) if day == clock.date() else 0
            yield from (datetime.combine(day, each) for each in times[start:])


def _readings_until(crontab: Crontab, clock: datetime) -> Iterator[datetime]:
    """Readings at which it fires, not later than `clock`, from there backwards."""
    times = _times_of_day(crontab)
    for day in _dates(crontab, _months_until(clock.date(), LONGEST_WAIT), backwards=True):
        if day <= clock.date():
            end = bisect_right(times, clock.time()) if day == clock.date() else len(times)
            yield from (datetime.combine(day, each) for each in reversed(times[:end]))


@lru_cache(maxsize=1024)
def _times_of_day(crontab: Crontab) -> tuple[time, ...]:
    return tuple(time(hour, minute) for hour in sorted(crontab.hours) for minute in sorted(crontab.minutes))


Month = tuple[int, int]


def _months_from(first: date, count: int) -> Iterable[Month]:
    start = first.year * 12 + first.month - 1
    return ((month // 12, month % 12 + 1) for month in range(start, start + count + 1))


def _months_until(last: date, count: int) -> Iterable[Month]:
    start = last.year * 12 + last.month - 1
    return ((month // 12, month % 12 + 1) for month in range(start, start - count - 1, -1))


def _dates(crontab: Crontab, months: Iterable[Month], *, backwards: bool = False) -> Iterator[date]:
    """Dates of these months at which it fires; a month at a time, so that rare ones are found soon."""
    for year, month in months:
        if month in crontab.months:
            days = _days_of(crontab, year, month)
            yield from (date(year, month, day) for day in (reversed(days) if backwards else days))


def _days_of(crontab: Crontab, year: int, month: int) -> list[int]:
    monday_is_0, length = monthrange(year, month)
    either = not crontab.any_day and not crontab.any_weekday

    def fires(day: int) -> bool:
        weekday = (monday_is_0 + day) % 7 in crontab.weekdays  # counted from Sunday
        return (day in crontab.days or weekday) if either else (day in crontab.days and weekday)

    return [day for day in range(1, length + 1) if fires(day)]
