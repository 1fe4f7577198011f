"""Bars in files: CSV and Parquet, wide (a column per symbol, closes) or long (a row per symbol and time)."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qmtl.client.documents import DataPreset
from qmtl.sdk.data.provider import data_folder
from qmtl.sdk.errors import DataError
from qmtl.sdk.frame import FIELDS, Frame, long_rows, times_of
from qmtl.sdk.intervals import parse_time

TIME_NAMES = ("time", "timestamp", "ts", "date", "datetime")


class CsvProvider:
    """`<folder>/<preset id>.csv` or `.csv.gz`, wide: `date,AAPL,MSFT`, or long: `time,symbol,open,...,close,volume`."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or data_folder()

    def load(self, preset: DataPreset) -> Frame:
        return read_csv(file_of(self.folder, preset, (".csv", ".csv.gz")), preset.interval)


class ParquetProvider:
    """`<folder>/<preset id>.parquet`, with the columns of either CSV. Needs the extra `qmtl[data]`."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or data_folder()

    def load(self, preset: DataPreset) -> Frame:
        path = file_of(self.folder, preset, (".parquet",))
        try:
            from pyarrow import parquet
        except ImportError:
            raise DataError('Parquet needs pyarrow: pip install "qmtl[data]"') from None
        try:
            table = parquet.read_table(path)
        except Exception as error:  # pyarrow raises of its own, OSError and ValueError alike
            raise DataError(f"{path} cannot be read as Parquet: {error}") from None
        columns = {name: table.column(name).to_numpy() for name in table.column_names}
        return frame_of_columns(columns, preset.interval, str(path))


def file_of(folder: Path, preset: DataPreset, endings: Sequence[str]) -> Path:
    for ending in endings:
        path = folder / f"{preset.id}{ending}"
        if path.exists():
            return path
    wanted = folder / f"{preset.id}{endings[0]}"
    raise DataError(
        f"preset {preset.id!r} needs the file {wanted}, which is not there; put it there, or say by QMTL_DATA_DIR "
        "where it is"
    )


def read_csv(path: Path, interval: str) -> Frame:
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.name.endswith(".gz") else content).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    return parse_csv(text, interval, str(path))


def parse_csv(text: str, interval: str, name: str) -> Frame:
    rows = list(csv.reader(io.StringIO(text)))
    if len(rows) < 2:
        raise DataError(f"{name} has no rows")
    header = [cell.strip() for cell in rows[0]]
    if doubles := [title for place, title in enumerate(header) if title in header[:place]]:
        raise DataError(f"{doubles[0]!r} stands twice in the heading of {name}; which one is meant?")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise DataError(f"line {number} of {name} has {len(row)} cells, its heading has {len(header)}")
    columns = {title: [row[place] for row in rows[1:]] for place, title in enumerate(header)}
    return frame_of_columns(columns, interval, name)


def frame_of_columns(columns: Mapping[str, Any], interval: str, name: str) -> Frame:
    lower = {title.lower(): title for title in columns}
    stamp = next((lower[each] for each in TIME_NAMES if each in lower), None)
    if stamp is None:
        raise DataError(f"{name} has no column of times; call it one of {', '.join(TIME_NAMES)}")
    times = read_times(columns[stamp], name)
    if "symbol" in lower:
        given = {field: lower[field] for field in FIELDS if field in lower}
        values = {field: numbers(columns[title], title, name) for field, title in given.items()}
        symbols = [str(each) for each in columns[lower["symbol"]]]
        return long_rows(times, symbols, values, interval)
    titles = [title for title in columns if title != stamp]
    if not titles:
        raise DataError(f"{name} has times and nothing else")
    close = np.column_stack([numbers(columns[title], title, name) for title in titles])
    return Frame(np.array(times, dtype=np.int64), tuple(titles), {"close": close}, interval)


def read_times(values: Any, name: str) -> list[int]:
    if isinstance(values, np.ndarray) and values.dtype.kind in "Mi":
        return [int(each) for each in times_of(values).tolist()]
    found = []
    for number, text in enumerate(values, start=2):
        try:
            found.append(int(text) if str(text).isdigit() and len(str(text)) > 8 else parse_time(str(text)))
        except (ValueError, DataError):
            raise DataError(f"line {number} of {name}: {str(text)[:40]!r} is not a time") from None
    return found


def numbers(values: Any, title: str, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A column as numbers; an empty cell is NaN and refused by the check, by its symbol and time."""
    if isinstance(values, np.ndarray):
        try:
            return values.astype(np.float64)
        except (TypeError, ValueError):
            raise DataError(f"column {title} of {name} has something that is no number") from None
    found = np.empty(len(values))
    for place, text in enumerate(values):
        try:
            found[place] = float(text) if text.strip() else np.nan
        except ValueError:
            raise DataError(f"line {place + 2} of {name}: {text[:40]!r} in {title} is not a number") from None
    return found
