"""Durations of the policy document: kept as they were written, available as a timedelta."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

LONGEST: Final = timedelta(days=36_500)
_SHORT = re.compile(r"([0-9]{1,9})([smhdw])", re.ASCII)
_ISO = re.compile(
    r"P(?=.)(?:(?P<weeks>[0-9]{1,9})W)?(?:(?P<days>[0-9]{1,9})D)?"
    r"(?:T(?=[0-9])(?:(?P<hours>[0-9]{1,9})H)?(?:(?P<minutes>[0-9]{1,9})M)?(?:(?P<seconds>[0-9]{1,9})S)?)?",
    re.ASCII,
)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
PATTERN: Final = (
    r"^([0-9]{1,9}[smhdw]|P(?=.)([0-9]{1,9}W)?([0-9]{1,9}D)?"
    r"(T(?=[0-9])([0-9]{1,9}H)?([0-9]{1,9}M)?([0-9]{1,9}S)?)?)$"
)


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time; two are equal when they are written alike."""

    text: str
    delta: timedelta

    @classmethod
    def parse(cls, text: str) -> Duration:
        """`30s 5m 3h 2d 1w`, or ISO 8601 in weeks, days, hours, minutes and seconds.

        Raises ValueError: years and months have no fixed length, fractions are not accepted.
        """
        parts = _parts(text)
        if parts is None:
            raise ValueError("write a duration as 30s, 5m, 3h, 2d, 1w or in ISO 8601 (P7D, PT30S)")
        try:
            delta = timedelta(**parts)
        except OverflowError:
            delta = timedelta.max
        if delta > LONGEST:
            raise ValueError(f"a duration is at most {LONGEST.days} days")
        return cls(text, delta)

    def __str__(self) -> str:
        return self.text


def _parts(text: str) -> dict[str, int] | None:
    if match := _SHORT.fullmatch(text):
        return {_UNITS[match[2]]: int(match[1])}
    if match := _ISO.fullmatch(text):
        return {unit: int(digits) for unit, digits in match.groupdict().items() if digits}
    return None


def _validator(least: str) -> Any:
    shortest = Duration.parse(least)

    def validate(value: object) -> Duration:
        if isinstance(value, Duration):
            duration = value
        elif isinstance(value, str):
            try:
                duration = Duration.parse(value)
            except ValueError as error:
                raise PydanticCustomError("duration", "{reason}", {"reason": str(error)}) from None
        else:
            raise PydanticCustomError("duration", "must be a duration such as 30s, 5m, 3h, 2d, 1w or P7D")
        if duration.delta < shortest.delta:
            raise PydanticCustomError("duration", "must be at least {least}", {"least": least})
        return duration

    return validate


def _write(value: Duration) -> str:
    return value.text


SCHEMA: Final = {"type": "string", "pattern": PATTERN, "examples": ["30s", "5m", "3h", "2d", "1w", "P7D"]}
_WRITTEN = PlainSerializer(_write, return_type=str)

AnyDuration = Annotated[Duration, PlainValidator(_validator("0s")), _WRITTEN, WithJsonSchema(SCHEMA)]
"""Zero or longer."""
SomeDuration = Annotated[Duration, PlainValidator(_validator("1s")), _WRITTEN, WithJsonSchema(SCHEMA)]
"""One second or longer."""


def _count_or_duration(value: object) -> int | Duration:
    if isinstance(value, bool) or not isinstance(value, int | str | Duration):
        raise PydanticCustomError("count_or_duration", "must be a count (1, 2, ...) or a duration such as 7d")
    if isinstance(value, int):
        if not 1 <= value <= 1_000_000:
            raise PydanticCustomError("count_or_duration", "a count is 1 or more, at most 1000000")
        return value
    duration: Duration = _validator("1s")(value)
    return duration


def _write_count_or_duration(value: int | Duration) -> int | str:
    return value if isinstance(value, int) else value.text


CountOrDuration = Annotated[
    int | Duration,
    PlainValidator(_count_or_duration),
    PlainSerializer(_write_count_or_duration, return_type=int | str),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, SCHEMA]}),
]
"""A number of evaluations in a row, or how long they must go on."""
