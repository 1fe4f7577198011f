"""Slots of a schedule, against a clock that is read minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worlds.domain.firings import LONGEST_WAIT
from worlds.domain.policy.cron import Crontab
from worlds.domain.policy.document import Policy
from worlds.domain.policy.running import Schedule
from worlds.domain.schedule import max_age, next_after, slot_of

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
# Two weeks each, around a change of the clock.
CHANGES = [
    ("Europe/Berlin", "2026-03-22"),
    ("Europe/Berlin", "2026-10-18"),
    ("America/New_York", "2026-03-01"),
    ("America/New_York", "2026-10-25"),
    ("Australia/Lord_Howe", "2026-03-29"),
    ("Australia/Lord_Howe", "2026-09-27"),
    ("Pacific/Apia", "2011-12-24"),  # the 30th was skipped
]
TWO_WEEKS = 14 * 24 * 60
MINUTE = timedelta(minutes=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def crontab(text: str, zone: str = "UTC") -> Schedule:
    return Schedule.model_validate({"crontab": text, "timezone": zone})


def every(text: str) -> Schedule:
    return Schedule.model_validate({"every": text})


# --- what the properties hold over ------------------------------------------------------------------------
def field(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    span = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    steps = st.integers(1, high).map(lambda step: f"*/{step}")
    several = st.lists(number.map(str) | span, min_size=1, max_size=3).map(",".join)
    return st.just("*") | several | steps


def can_fire(text: str) -> bool:
    try:
        return bool(Crontab.parse(text))
    except ValueError:
        return False


CRONTABS = st.tuples(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7)).map(" ".join)
SCHEDULES = st.builds(crontab, CRONTABS.filter(can_fire), st.sampled_from(ZONES)) | st.integers(
    1, 10_000_000
).map(lambda seconds: every(f"{seconds}s"))
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=30 * 365)).map(lambda passed: utc("2020-01-01") + passed)


@given(SCHEDULES, MOMENTS)
def test_a_moment_is_in_one_slot(schedule: Schedule, moment: datetime) -> None:
    assert slot_of(schedule, moment) <= moment < next_after(schedule, slot_of(schedule, moment))


@given(SCHEDULES, MOMENTS)
def test_the_next_slot_begins_where_it_fires(schedule: Schedule, moment: datetime) -> None:
    following = next_after(schedule, moment)
    assert slot_of(schedule, following) == following > moment


@given(SCHEDULES, MOMENTS)
def test_just_before_the_next_slot_it_is_still_this_one(schedule: Schedule, moment: datetime) -> None:
    last = next_after(schedule, moment) - timedelta(microseconds=1)
    assert slot_of(schedule, last) == slot_of(schedule, moment)


@given(SCHEDULES, MOMENTS, MOMENTS)
def test_later_moments_are_in_later_slots(schedule: Schedule, one: datetime, other: datetime) -> None:
    early, late = sorted([one, other])
    assert slot_of(schedule, early) <= slot_of(schedule, late)
    assert next_after(schedule, early) <= next_after(schedule, late)


@given(SCHEDULES, MOMENTS)
def test_slots_follow_each_other(schedule: Schedule, moment: datetime) -> None:
    starts = [slot_of(schedule, moment)]
    for _ in range(10):
        starts.append(next_after(schedule, starts[-1]))
    assert all(earlier < later for earlier, later in pairwise(starts))


# --- every ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "now", "slot"),
    [
        ("1d", "2026-11-21T15:27:38", "2026-11-21T00:00:00"),
        ("1d", "2026-11-21T00:00:00", "2026-11-21T00:00:00"),
        ("1w", "2026-11-21T15:27:38", "2026-11-19T00:00:00"),  # the epoch was a Thursday
        ("5m", "2026-11-21T15:27:38", "2026-11-21T15:25:00"),
        ("7s", "1970-01-01T00:00:20", "1970-01-01T00:00:14"),
        ("36500d", "2026-11-21T15:27:38", "1970-01-01T00:00:00"),
    ],
)
def test_every_counts_from_the_epoch(text: str, now: str, slot: str) -> None:
    assert slot_of(every(text), utc(now)) == utc(slot)


# --- crontab ----------------------------------------------------------------------------------------------
@cache
def read_minute_by_minute(zone: str, start: datetime) -> list[tuple[datetime, list[datetime]]]:
    """Each minute, with the readings that the clock then shows, or has jumped over, for the first time."""
    place = ZoneInfo(zone)
    shown, minutes = (start - MINUTE).astimezone(place).replace(tzinfo=None), []
    for minute in range(TWO_WEEKS):
        now = start + minute * MINUTE
        clock, new = now.astimezone(place).replace(tzinfo=None), []
        while shown < clock:
            shown += MINUTE
            new.append(shown)
        minutes.append((now, new))
    return minutes


def firings_of(text: str, zone: str, start: datetime) -> list[datetime]:
    parsed = Crontab.parse(text)
    return [
        now for now, new in read_minute_by_minute(zone, start) if any(names(parsed, each) for each in new)
    ]


def names(parsed: Crontab, reading: datetime) -> bool:
    if reading.minute not in parsed.minutes or reading.hour not in parsed.hours:
        return False
    day, weekday = reading.day in parsed.days, reading.isoweekday() % 7 in parsed.weekdays
    restricts_both = not parsed.any_day and not parsed.any_weekday
    return reading.month in parsed.months and (day or weekday if restricts_both else day and weekday)


def agrees_with_the_clock(text: str, zone: str, start: datetime) -> None:
    schedule, firings = crontab(text, zone), firings_of(text, zone, start)
    moment, found = start - timedelta(microseconds=1), []
    while (moment := next_after(schedule, moment)) < start + TWO_WEEKS * MINUTE:
        found.append(moment)
    assert found == firings
    for earlier, later in pairwise(firings):
        within = [earlier + (later - earlier) / 2, later - timedelta(microseconds=1)]
        assert [slot_of(schedule, each) for each in within] == [earlier, earlier]


@pytest.mark.parametrize(("zone", "start"), CHANGES)
@pytest.mark.parametrize(
    "text",
    [
        "*/5 * * * *",
        "0 * * * *",
        "30 2 * * *",
        "15,45 0-3 * * 0",
        "0 0 * * *",
        "59 23 30 * *",
        "10 1 1,25 * 0",
    ],
)
def test_a_crontab_fires_as_the_clock_is_read(text: str, zone: str, start: str) -> None:
    agrees_with_the_clock(text, zone, utc(start))


@settings(max_examples=20, deadline=None)
@given(CRONTABS.filter(can_fire), st.sampled_from(CHANGES))
def test_any_crontab_fires_as_the_clock_is_read(text: str, place: tuple[str, str]) -> None:
    agrees_with_the_clock(text, place[0], utc(place[1]))


@pytest.mark.parametrize(
    ("text", "zone", "after", "following"),
    [
        # does not exist: when the clock jumps
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", "2026-03-29T01:00"),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00", "2026-10-03T15:30"),
        # happens twice: the first time only
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", "2026-10-25T00:30"),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30", "2026-10-26T01:30"),
        ("*/5 * * * *", "Europe/Berlin", "2026-10-25T00:55", "2026-10-25T02:00"),
        # both day fields restricted: either; one of them starred: both
        ("0 0 13 * 5", "UTC", "2026-11-07T00:00", "2026-11-13T00:00"),
        ("0 0 13 * 5", "UTC", "2026-11-13T00:00", "2026-11-20T00:00"),
        ("0 0 */31 * 1", "UTC", "2026-11-21T00:00", "2027-02-01T00:00"),
        # rare ones
        ("0 0 29 2 *", "UTC", "2026-11-21T00:00", "2028-02-29T00:00"),
        ("0 0 29 2 *", "UTC", "2096-02-29T00:00", "2104-02-29T00:00"),
        ("0 0 29 2 */7", "UTC", "2088-02-29T00:00", "2128-02-29T00:00"),
    ],
)
def test_a_crontab_fires_next(text: str, zone: str, after: str, following: str) -> None:
    assert next_after(crontab(text, zone), utc(after)) == utc(following)


def test_no_crontab_waits_longer_than_is_searched() -> None:
    """The calendar repeats after 400 years; 29 February on one weekday is what comes most seldom."""
    leap_days = [
        date(year, 2, 29) for year in range(1600, 2401) if year % 4 == 0 and (year % 100 or not year % 400)
    ]
    for weekday in range(7):
        years = [day.year for day in leap_days if day.weekday() == weekday]
        assert max(later - earlier for earlier, later in pairwise(years)) * 12 <= LONGEST_WAIT


# --- how old a decision may be ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("document", "age"),
    [
        ({}, timedelta(days=2)),
        ({"schedule": {"every": "3h"}}, timedelta(hours=6)),
        ({"schedule": {"every": "3h"}, "decision": {"max_age": "1h"}}, timedelta(hours=1)),
        ({"schedule": {"crontab": "* * * * *"}, "decision": {"max_age": "1h"}}, timedelta(hours=1)),
        ({"schedule": {"crontab": "* * * * *"}}, timedelta(minutes=2)),
        ({"schedule": {"crontab": "*/5 * * * *", "timezone": "Europe/Berlin"}}, timedelta(minutes=10)),
        ({"schedule": {"crontab": "0 9-17 * * *"}}, timedelta(hours=32)),
        ({"schedule": {"crontab": "0 9,17 * * 1-5"}}, timedelta(hours=2 * (2 * 24 + 16))),
        ({"schedule": {"crontab": "0 0 * * 1"}}, timedelta(weeks=2)),
        ({"schedule": {"crontab": "0 0 1 * *"}}, timedelta(days=62)),
        ({"schedule": {"crontab": "0 0 29 2 *"}}, timedelta(days=2 * 1461)),
        ({"schedule": {"crontab": "0 0 29 2 */7"}}, 2 * (date(2032, 2, 29) - date(2004, 2, 29))),
    ],
)
def test_a_decision_is_stale_after_twice_the_schedule(document: dict[str, Any], age: timedelta) -> None:
    assert max_age(Policy.model_validate(document)) == age


@settings(max_examples=40, deadline=None)
@given(CRONTABS.filter(can_fire), MOMENTS)
def test_no_slot_in_utc_outlasts_half_the_age(text: str, moment: datetime) -> None:
    schedule = crontab(text)
    start = slot_of(schedule, moment)
    assert 2 * (next_after(schedule, start) - start) <= max_age(Policy(schedule=schedule))
