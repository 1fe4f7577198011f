"""Five-field crontab expressions: read, refused where they could never fire."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_MONTHS: Final = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_WEEKDAYS: Final = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_DAYS_IN_MONTH: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_STEP = re.compile(r"(?P<range>\*|[0-9a-z]+(?:-[0-9a-z]+)?)(?:/(?P<step>[0-9]{1,3}))?", re.ASCII)
MAX_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class Crontab:
    """When it fires: sets of the minutes, hours, days of the month, months and weekdays (0 is Sunday).

    As in cron, where both day fields are restricted, either is enough.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    @classmethod
    def parse(cls, text: str) -> Crontab:
        """Read `minute hour day-of-month month day-of-week`.

        Raises ValueError: other than five fields, values out of range, or days that no month has.
        """
        fields = text.lower().split() if len(text) <= MAX_LENGTH else []
        if len(fields) != 5:
            raise ValueError("a crontab has five fields: minute hour day-of-month month day-of-week")
        weekdays = _field("day-of-week", fields[4], 0, 7, _WEEKDAYS, first_name=0)
        crontab = cls(
            minutes=_field("minute", fields[0], 0, 59),
            hours=_field("hour", fields[1], 0, 23),
            days=_field("day-of-month", fields[2], 1, 31),
            months=_field("month", fields[3], 1, 12, _MONTHS, first_name=1),
            weekdays=frozenset(day % 7 for day in weekdays),
            any_day=fields[2].startswith("*"),
            any_weekday=fields[4].startswith("*"),
        )
        if not crontab.can_fire():
            raise ValueError("this crontab never fires: no such day in these months")
        return crontab

    def can_fire(self) -> bool:
        """Is there a date that it fires on? Only the day of the month can be one that never comes."""
        if not self.any_weekday and not self.any_day:
            return True
        return any(min(self.days) <= _DAYS_IN_MONTH[month - 1] for month in self.months)


def _field(
    name: str, text: str, low: int, high: int, words: list[str] | None = None, *, first_name: int = 0
) -> frozenset[int]:
    numbers = {word: index + first_name for index, word in enumerate(words or [])}
    values: set[int] = set()
    for part in text.split(","):
        match = _STEP.fullmatch(part)
        if match is None:
            raise ValueError(f"cannot read the {name} field {text[:40]!r}")
        start, end = _range(match["range"], low, high, numbers)
        step = int(match["step"] or 1)
        if match["step"] and start == end and "-" not in part:
            end = high
        if not low <= start <= end <= high or step < 1:
            raise ValueError(f"the {name} field {text[:40]!r} is not within {low}-{high}")
        values.update(range(start, end + 1, step))
    return frozenset(values)


def _range(text: str, low: int, high: int, numbers: dict[str, int]) -> tuple[int, int]:
    if text == "*":
        return low, high
    first, _, last = text.partition("-")
    start = _number(first, numbers)
    return start, _number(last, numbers) if last else start


def _number(text: str, numbers: dict[str, int]) -> int:
    if text in numbers:
        return numbers[text]
    return int(text) if text.isdigit() and len(text) <= 3 else -1
