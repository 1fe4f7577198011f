"""The newest part of what many strategies reported, as arrays: what an evaluation of a world judges them by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np

from qmtl_site.blobs.store import floats, integers
from qmtl_site.database import native_cursor
from strategies.domain.modes import MODE_OF_STATE
from strategies.domain.performance import Floats, Integers, Records, total_trades
from strategies.models import Binding

MILLISECOND = timedelta(milliseconds=1)

CHUNKS = """
SELECT series.binding_id, series.stay, series.mode, series.revision,
       chunk.times, chunk.returns, chunk.pnl, chunk.equity, chunk.trades
FROM unnest(%(bindings)s::bigint[], %(stays)s::timestamptz[], %(modes)s::text[]) AS wanted (binding_id, stay, mode)
JOIN strategies_performanceseries series USING (binding_id, stay, mode)
JOIN strategies_performancechunk chunk ON chunk.series_id = series.id
WHERE %(window)s::interval IS NULL OR chunk.last_at > series.last_at - %(window)s::interval
ORDER BY series.binding_id, chunk.year
"""


@dataclass(frozen=True, eq=False)
class PerformanceWindow:
    """Records of one stay in one mode, by time; the arrays are read-only, NaN where pnl or equity were not given."""

    stay: datetime
    mode: str
    revision: int
    times: Integers
    """UTC milliseconds, strictly increasing."""
    returns: Floats
    pnl: Floats
    equity: Floats
    trades: int | None
    """Of the window; None where none of its records tells."""


def performance_windows(
    bindings: Sequence[Binding], *, window: timedelta | None
) -> dict[int, PerformanceWindow]:
    """By binding key, the records of its present stay after `newest - window`; those without records are absent.

    One statement, however many bindings; `window` None: the whole stay.
    """
    return {
        binding_id: window_of([row[1:] for row in rows], window)
        for binding_id, rows in groupby(chunks_of(bindings, window), key=itemgetter(0))
    }


def chunks_of(bindings: Sequence[Binding], window: timedelta | None) -> Iterator[tuple[Any, ...]]:
    each = {binding.pk: binding for binding in bindings}.values()
    wanted = {
        "bindings": [binding.pk for binding in each],
        "stays": [binding.state_since for binding in each],
        "modes": [MODE_OF_STATE[binding.state] for binding in each],
        "window": window,
    }
    with native_cursor() as cursor:
        yield from cursor.execute(CHUNKS, wanted, binary=True)


def window_of(chunks: Sequence[tuple[Any, ...]], window: timedelta | None) -> PerformanceWindow:
    stay, mode, revision = chunks[0][:3]
    parts = [records_of(*chunk[3:]) for chunk in chunks]
    newest = int(parts[-1].times[-1])
    if window is not None:
        parts[0] = since(parts[0], newest - window // MILLISECOND)
    times, returns, pnl, equity, trades = map(joined, zip(*(part.columns() for part in parts), strict=True))
    return PerformanceWindow(stay, mode, revision, times, returns, pnl, equity, total_trades(trades))


def records_of(times: bytes, returns: bytes, pnl: bytes, equity: bytes, trades: bytes) -> Records:
    return Records(integers(times), floats(returns), floats(pnl), floats(equity), integers(trades))


def since(records: Records, start: int) -> Records:
    """The records after `start`, copied: a view would keep the whole year in memory."""
    first = int(np.searchsorted(records.times, start, side="right"))
    return Records(*(column[first:].copy() for column in records.columns()))


def joined(parts: Sequence[Any]) -> Any:
    whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
    whole.flags.writeable = False
    return whole
