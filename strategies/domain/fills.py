"""Executions as they are reported: exact decimals, aware times, one shape for runners and for the service itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict

from qmtl.contracts.fills import DIGITS, LONGEST_ID, LONGEST_NAME, PLACES
from worlds.domain.series import EARLIEST

CLOCK_SKEW = timedelta(days=1)
_NUMBER = re.compile(r"[+-]?[0-9]{1,38}(\.[0-9]{1,38})?([eE][+-]?[0-9]{1,2})?", re.ASCII)


def plain_number(value: Any) -> Any:
    """Decimal reads more than numbers: `true`, `1_000`, ` 1`, digits of other scripts."""
    if isinstance(value, bool) or (isinstance(value, str) and _NUMBER.fullmatch(value) is None):
        raise ValueError("write a number, or one as text: 1.25")
    return value


def moment(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is not an RFC 3339 time") from None
    if at.tzinfo is None:
        raise ValueError(f"{text[:40]!r} has no zone; write Z for UTC")
    if at < EARLIEST:
        raise ValueError(f"{text[:40]!r} is before 1900")
    return text


Exact = Annotated[
    Decimal,
    Field(max_digits=DIGITS, decimal_places=PLACES, allow_inf_nan=False),
    BeforeValidator(plain_number),
]
Positive = Annotated[
    Decimal,
    Field(gt=0, max_digits=DIGITS, decimal_places=PLACES, allow_inf_nan=False),
    BeforeValidator(plain_number),
]
Id = Annotated[str, Strict(), Field(min_length=1, max_length=LONGEST_ID, pattern=r"^[^\x00-\x1f\x7f]*$")]
Name = Annotated[str, Strict(), Field(min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00-\x1f\x7f]*$")]


class FillRecord(BaseModel):
    """One execution of an order."""

    model_config = ConfigDict(extra="forbid")

    fill_id: Id = Field(description="Unique per strategy in the world, for all time.")
    order_id: Id = Field(description="The client order id.")
    ts: Annotated[str, Strict(), AfterValidator(moment)] = Field(
        description="When it was executed, RFC 3339 with its zone."
    )
    symbol: Name
    venue: Name | None = None
    side: Literal["buy", "sell"]
    qty: Positive
    price: Positive
    fee: Exact = Field(default=Decimal(0), description="In the quote currency; negative is a rebate.")
    mode: Literal["paper", "live"]


class Execution(NamedTuple):
    """What a fill says, in the terms in which two are compared."""

    fill_id: str
    order_id: str
    ts: datetime
    symbol: str
    venue: str
    side: str
    qty: Decimal
    price: Decimal
    fee: Decimal
    mode: str


class FillRefused(ValueError):
    """A record that cannot be used: its place in the batch, the field, and what is wrong there."""

    def __init__(self, place: int, field: str, reason: str) -> None:
        super().__init__(reason)
        self.place, self.field, self.reason = place, field, reason


def read_fills(posted: Sequence[FillRecord], *, now: datetime) -> dict[str, Execution]:
    """A batch by fill id, each once. FillRefused at the first one that says something else under a known id, or that
    comes from the future."""
    read: dict[str, Execution] = {}
    for place, record in enumerate(posted):
        execution = execution_of(record)
        if execution.ts > now + CLOCK_SKEW:
            raise FillRefused(place, "ts", f"{record.ts[:40]!r} is in the future")
        if read.setdefault(record.fill_id, execution) != execution:
            raise FillRefused(place, "fill_id", f"{record.fill_id!r} is in the batch with other values too")
    return read


def execution_of(record: FillRecord) -> Execution:
    return Execution(
        fill_id=record.fill_id,
        order_id=record.order_id,
        ts=datetime.fromisoformat(record.ts).astimezone(UTC),
        symbol=record.symbol,
        venue=record.venue or "",
        side=record.side,
        qty=record.qty,
        price=record.price,
        fee=record.fee,
        mode=record.mode,
    )


def contradicted(known: Iterable[Execution], read: dict[str, Execution]) -> list[str]:
    """Ids under which something else was reported before."""
    return sorted(each.fill_id for each in known if read[each.fill_id] != each)
