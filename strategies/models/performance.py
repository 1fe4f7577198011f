"""What bindings reported of their performance: a series a stay, an array chunk a year.

Evidence belongs to the stay in which it was reported: a stay begins when the binding enters its state, and what a
strategy did on paper before it was live, stopped or sent back is not mixed with what it does now.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact

from qmtl_site.blobs.store import float_bytes, floats, integer_bytes, integers
from strategies.domain.performance import COLUMNS, Records
from strategies.models.binding import Binding


class PerformanceSeries(models.Model):
    """Read model of one stay in one mode: what there is, and whether there is something new."""

    class Mode(models.TextChoices):
        PAPER = "paper"
        LIVE = "live"

    binding = models.ForeignKey(Binding, on_delete=models.PROTECT, related_name="performance")
    stay = models.DateTimeField(help_text="`state_since` of the binding when it was reported.")
    mode = models.CharField(max_length=8, choices=Mode.choices)
    count = models.PositiveBigIntegerField()
    revision = models.PositiveBigIntegerField(
        help_text="Rises with every batch that brings something new, on over all stays."
    )
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "performance series"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["binding", "stay", "mode"], name="a_stay_has_one_performance_series_per_mode"
            ),
            models.CheckConstraint(
                condition=Q(mode__in=["paper", "live"]), name="performance_is_of_paper_or_of_live"
            ),
            models.CheckConstraint(
                condition=Q(count__gt=0, revision__gt=0, first_at__lte=F("last_at")),
                name="a_performance_series_begins_with_a_record",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.mode} performance of {self.binding_id}"


def holds(column: str) -> Any:
    """Each record is 8 bytes in each column."""
    return Exact(Length(column), F("count") * 8)


class PerformanceChunk(models.Model):
    """The records of a series in one calendar year (UTC), as arrays: little endian, int64 and float64."""

    series = models.ForeignKey(PerformanceSeries, on_delete=models.PROTECT, related_name="chunks")
    year = models.PositiveSmallIntegerField()
    count = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    times = models.BinaryField(help_text="int64, UTC milliseconds, strictly increasing.")
    returns = models.BinaryField()
    pnl = models.BinaryField(help_text="NaN where it was not given.")
    equity = models.BinaryField(help_text="NaN where it was not given.")
    trades = models.BinaryField(help_text="int64, -1 where they were not given.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["series", "year"], name="a_performance_series_has_one_chunk_per_year"
            ),
            models.CheckConstraint(
                condition=Q(holds("times"), holds("returns"), holds("pnl"), holds("equity"), holds("trades")),
                name="the_arrays_of_a_performance_chunk_agree_in_length",
            ),
            models.CheckConstraint(
                condition=Q(count__gt=0, first_at__lte=F("last_at")),
                name="a_performance_chunk_begins_with_a_record",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.year} of {self.series_id}"

    @property
    def records(self) -> Records:
        return Records(
            times=integers(bytes(self.times)),
            returns=floats(bytes(self.returns)),
            pnl=floats(bytes(self.pnl)),
            equity=floats(bytes(self.equity)),
            trades=integers(bytes(self.trades)),
        )


def stored(records: Records) -> dict[str, bytes]:
    """The columns as the chunk keeps them."""
    return {
        name: integer_bytes(column) if column.dtype.kind == "i" else float_bytes(column)
        for name, column in zip(COLUMNS, records.columns(), strict=True)
    }


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def moment(time: Any) -> datetime:
    """The time of UTC milliseconds."""
    return datetime.fromtimestamp(int(time) / 1000, tz=UTC)
