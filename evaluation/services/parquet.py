"""Series of a run as Parquet files, for whoever takes a snapshot home."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from evaluation.domain.record import Record, WorldTerms
from evaluation.domain.simulation import equity_of, pnl_of
from qmtl_site.blobs.store import name_of


def parquet(columns: dict[str, Any]) -> bytes:
    """A Parquet file of equally long columns; the same input gives the same bytes."""
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, compression="zstd")
    return out.getvalue()


def column(values: NDArray[Any], kind: pa.DataType) -> pa.Array:
    """An array's own memory as a column. `pa.array` would import pandas where that is installed: seconds, 60 MB."""
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def storage_refs(world_id: str, record: Record, terms: WorldTerms) -> tuple[list[bytes], dict[str, Any]]:
    """The files (returns, pnl) and the references to them by path and sha256; none without returns."""
    if record.returns is None or record.times is None:
        return [], {"full_returns_series": None, "full_pnl_series": None, "sha256": {}}
    times = column(record.times, pa.timestamp("ms", tz="UTC"))
    equity, capital = equity_of(record, terms)
    pnl = pnl_of(equity, capital)
    files = [
        parquet({"time": times, "return": column(record.returns, pa.float64())}),
        parquet({"time": times, "pnl": column(pnl, pa.float64()), "equity": column(equity, pa.float64())}),
    ]
    names = [name_of(data) for data in files]
    labels = ("full_returns_series", "full_pnl_series")
    refs: dict[str, Any] = {
        label: f"/worlds/{world_id}/blobs/{name}.parquet" for label, name in zip(labels, names, strict=True)
    }
    return files, {**refs, "sha256": dict(zip(labels, names, strict=True))}
