"""Putting new records into the chunks of a series, each updated in place.

The caller holds the binding's row lock, so nobody else writes. The UPDATE is guarded by the length that was read
all the same: no mistake about locks can lose a record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import BinaryField, F, Func, Model, QuerySet, Value
from numpy.typing import NDArray

from qmtl_site.http.refusals import Unavailable
from strategies.domain.performance import COLUMNS, Records, join, years_of
from strategies.domain.reports import Report
from strategies.models import PerformanceChunk, PerformanceSeries
from strategies.models.performance import moment, stored


@dataclass(frozen=True, eq=False)
class Change:
    """What a report brings to one calendar year."""

    year: int
    chunk: PerformanceChunk | None
    fresh: Records
    joined: Records | None
    """The whole year, where the fresh records do not simply come after what is there."""
    conflicts: NDArray[np.intp]
    """Places in the batch of records whose time has another value."""

    @property
    def count(self) -> int:
        """Of the records that the year will have."""
        return len(self.fresh) + (self.chunk.count if self.chunk else 0)


def changes_of(report: Report, series: PerformanceSeries) -> list[Change]:
    """Year by year; arrays are read of the chunks alone into which the report does not come last."""
    years = years_of(report.records.times)
    parts = {int(year): years == year for year in np.unique(years)}
    chunks = PerformanceChunk.objects.filter(series_id=series.pk, year__in=parts)
    heads = {chunk.year: chunk for chunk in chunks.defer(*COLUMNS)}
    first = {year: moment(report.records.times[np.argmax(part)]) for year, part in parts.items()}
    behind = [head.pk for year, head in heads.items() if first[year] <= head.last_at]
    whole = {chunk.year: chunk for chunk in chunks.filter(pk__in=behind)} if behind else {}
    return [
        change(year, report.records.at(part), report.places[part], whole.get(year), heads.get(year))
        for year, part in parts.items()
    ]


def change(
    year: int,
    records: Records,
    places: NDArray[np.intp],
    whole: PerformanceChunk | None,
    head: PerformanceChunk | None,
) -> Change:
    if whole is None:
        return Change(year, head, records, None, places[:0])
    joined = join(whole.records, records)
    return Change(year, whole, records.at(joined.is_new), joined.records, places[joined.conflicts])


def write(series: PerformanceSeries, changes: Sequence[Change]) -> None:
    """The changed years of a saved series."""
    PerformanceChunk.objects.bulk_create(
        PerformanceChunk(
            series=series,
            year=change.year,
            count=len(change.fresh),
            first_at=moment(change.fresh.times[0]),
            last_at=moment(change.fresh.times[-1]),
            **stored(change.fresh),
        )
        for change in changes
        if change.chunk is None
    )
    for changed in changes:
        if changed.chunk is not None:
            extend(changed.chunk, changed)


def extend(chunk: PerformanceChunk, changed: Change) -> None:
    first, last = (moment(changed.fresh.times[place]) for place in (0, -1))
    if changed.joined is None:
        columns: dict[str, Any] = {name: appended(name, data) for name, data in stored(changed.fresh).items()}
    else:
        columns = stored(changed.joined)
    update_guarded(
        PerformanceChunk.objects.filter(pk=chunk.pk, count=chunk.count),
        count=changed.count,
        first_at=min(first, chunk.first_at),
        last_at=max(last, chunk.last_at),
        **columns,
    )


def appended(column: str, data: bytes) -> Func:
    """`column || data`: the array stays in the database."""
    end = Value(data, output_field=BinaryField())
    return Func(F(column), end, template="%(expressions)s", arg_joiner=" || ", output_field=BinaryField())


def update_guarded(rows: QuerySet[Any, Model], **values: Any) -> None:
    """Update the one row that is still as it was read."""
    if rows.update(**values) != 1:
        raise Unavailable("The performance has changed meanwhile; report it again", retry_after=1)
