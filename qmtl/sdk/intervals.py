"""Intervals and spans of time as text ("5m", "1h", "1d", "365d") and in milliseconds since 1970, UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from qmtl.sdk.errors import DataError

MILLISECONDS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
DAY = MILLISECONDS["d"]
FIRST_MONDAY = 4 * DAY
"""1970-01-05: weeks begin on Mondays."""


def milliseconds(text: str) -> int:
    """Length of an interval. DataError for what is none."""
    match = re.fullmatch(r"([1-9]\d{0,5})([smhdw])", text) if isinstance(text, str) else None
    if match is None:
        raise DataError(f"{text!r} is not an interval; use one like 5m, 1h, 1d or 1w")
    return int(match[1]) * MILLISECONDS[match[2]]


def bucket(time: int, length: int) -> int:
    """Beginning of the interval of this length in which a time lies."""
    origin = FIRST_MONDAY if length % MILLISECONDS["w"] == 0 else 0
    return (time - origin) // length * length + origin


def iso(time: int) -> str:
    """RFC 3339."""
    return moment(time).isoformat().replace("+00:00", "Z")


def moment(time: int) -> datetime:
    return datetime.fromtimestamp(time / 1000, tz=UTC)


def parse_time(text: str) -> int:
    """Milliseconds of an ISO 8601 date or time; without a zone it is UTC. DataError for what is none."""
    try:
        parsed = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise DataError(f"{text!r} is not a time; write it like 2020-12-31 or 2020-12-31T16:00:00Z") from None
    aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)
