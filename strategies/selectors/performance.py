"""Pages of what a strategy reported in a world, newest first, over all its stays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest
from typing import Any, Literal

import numpy as np

from qmtl_site.http.pagination import decode_cursor, encode_cursor, limit_of
from qmtl_site.http.refusals import Invalid, NotFound
from strategies.domain.performance import COLUMNS, NO_COUNT, Integers, Records
from strategies.models import Binding, PerformanceChunk, PerformanceSeries
from strategies.models.performance import milliseconds, moment
from worlds.domain.series import iso


@dataclass(frozen=True)
class Wanted:
    """Records of `mode` (None: of both) in [start, end) that come after `cursor` (time, series) in the list."""

    mode: str | None
    start: datetime | None
    end: datetime | None
    limit: int
    cursor: tuple[datetime, int] | None

    def reaches(self, chunk: PerformanceChunk) -> bool:
        """Whether every record of the chunk is wanted."""
        ends = [end for end in (self.end, self.cursor and self.cursor[0]) if end]
        return (self.start is None or chunk.first_at >= self.start) and all(chunk.last_at < e for e in ends)

    def slice_of(self, chunk: PerformanceChunk, times: Integers) -> range:
        """Places of the wanted records, at most as many as tell that there is a further page."""
        start = np.searchsorted(times, milliseconds(self.start)) if self.start else 0
        end = np.searchsorted(times, milliseconds(self.end)) if self.end else times.size
        if self.cursor:
            time, series = self.cursor
            side: Literal["left", "right"] = "right" if chunk.series_id < series else "left"
            end = min(end, np.searchsorted(times, milliseconds(time), side=side))
        return range(max(int(start), int(end) - self.limit - 1), int(end))


@dataclass(frozen=True)
class Row:
    series: PerformanceSeries
    records: Records
    place: int

    @property
    def key(self) -> tuple[int, int]:
        """Newest first; the same time in two stays: the later stay first."""
        return int(self.records.times[self.place]), self.series.pk

    def document(self) -> dict[str, Any]:
        time, returns, pnl, equity, trades = (column[self.place].item() for column in self.records.columns())
        return {
            "ts": iso(time),
            "return": returns,
            "pnl": pnl,
            "equity": equity,
            "trades": None if trades == NO_COUNT else trades,
            "mode": self.series.mode,
            "stay": self.series.stay,
        }


def performance_page(
    world_id: str,
    strategy_id: str,
    params: Mapping[str, str],
    *,
    mode: str | None,
    start: datetime | None,
    end: datetime | None,
) -> dict[str, Any]:
    """`{items, next_cursor}` in three queries: the binding, which chunks there are, the arrays of the page."""
    wanted = Wanted(mode, start, end, limit_of(params), cursor_of(params))
    binding = Binding.objects.filter(world_id=world_id, strategy_id=strategy_id).first()
    if binding is None:
        raise NotFound(f"Strategy {strategy_id!r} is not bound to {world_id}")
    heads = heads_of(binding, wanted)
    chunks = PerformanceChunk.objects.filter(pk__in=[head.pk for head in enough(heads, wanted)])
    rows = nlargest(wanted.limit + 1, rows_of(chunks.select_related("series"), wanted), key=lambda r: r.key)
    shown = rows[: wanted.limit]
    cursor = None
    if len(rows) > len(shown):
        time, series = shown[-1].key
        cursor = encode_cursor(moment(time), series)
    return {"items": [row.document() for row in shown], "next_cursor": cursor}


def cursor_of(params: Mapping[str, str]) -> tuple[datetime, int] | None:
    text = params.get("cursor")
    if not text:
        return None
    time, series = decode_cursor(text)
    if not isinstance(series, int):
        raise Invalid.at("?cursor", "cursor belongs to another list")
    return time, series


def heads_of(binding: Binding, wanted: Wanted) -> list[PerformanceChunk]:
    """Chunks that may have wanted records, without their arrays."""
    heads = PerformanceChunk.objects.filter(series__binding=binding)
    if wanted.mode:
        heads = heads.filter(series__mode=wanted.mode)
    if wanted.start:
        heads = heads.filter(last_at__gte=wanted.start)
    if wanted.end:
        heads = heads.filter(first_at__lt=wanted.end)
    if wanted.cursor:
        heads = heads.filter(first_at__lte=wanted.cursor[0])
    return list(heads.defer(*COLUMNS))


def enough(heads: list[PerformanceChunk], wanted: Wanted) -> list[PerformanceChunk]:
    """The newest chunks that fill the page for certain, and all that reach into their time."""
    count = 0
    for head in sorted(filter(wanted.reaches, heads), key=lambda head: head.first_at, reverse=True):
        count += head.count
        if count > wanted.limit:
            return [other for other in heads if other.last_at >= head.first_at]
    return heads


def rows_of(chunks: Iterable[PerformanceChunk], wanted: Wanted) -> Iterator[Row]:
    for chunk in chunks:
        records = chunk.records
        for place in wanted.slice_of(chunk, records.times):
            yield Row(chunk.series, records, place)
