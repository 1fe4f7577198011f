"""Data presets: files, packages, exchanges; what cannot be trusted is told with its place."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qmtl.client.documents import DataPreset
from qmtl.sdk import DataError, Frame
from qmtl.sdk.data import choose, load
from qmtl.sdk.data.exchange import CcxtProvider
from qmtl.sdk.data.files import CsvProvider, ParquetProvider
from qmtl.sdk.data.provider import provider_of
from qmtl.sdk.frame import frame_of
from qmtl.sdk.intervals import parse_time
from tests.sdk.authors import prices

HOUR = 3_600_000


def preset(**fields: Any) -> DataPreset:
    return DataPreset(**{"id": "p", "source": "csv", **fields})


def csv(folder: Path, text: str, **fields: Any) -> Frame:
    (folder / "p.csv").write_text(text)
    return load(preset(**fields), provider=CsvProvider(folder))


WIDE = "date,A,B\n2020-01-02,1,10\n2020-01-03,2,20\n2020-01-06,3,30\n"


def test_a_column_per_symbol(tmp_path: Path) -> None:
    frame = csv(tmp_path, WIDE)
    assert frame.symbols == ("A", "B")
    assert frame.close.tolist() == [[1, 10], [2, 20], [3, 30]]


def test_a_row_per_symbol_in_any_order(tmp_path: Path) -> None:
    rows = [
        "time,symbol,close,volume",
        "2020-01-03,B,20,5",
        "2020-01-02,A,1,5",
        "2020-01-02,B,10,5",
        "2020-01-03,A,2,5",
    ]
    frame = csv(tmp_path, "\n".join(rows), symbols=["A", "B"])
    assert frame.close.tolist() == [[1, 10], [2, 20]]
    assert set(frame.fields) == {"close", "volume"}


def test_symbols_come_as_they_are_declared(tmp_path: Path) -> None:
    assert csv(tmp_path, WIDE, symbols=["B"]).close[:, 0].tolist() == [10, 20, 30]


def test_compressed_files(tmp_path: Path) -> None:
    (tmp_path / "p.csv.gz").write_bytes(gzip.compress(WIDE.encode()))
    assert len(load(preset(), provider=CsvProvider(tmp_path))) == 3


def test_parquet_is_the_same(tmp_path: Path) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    dates = np.array(["2020-01-02", "2020-01-03", "2020-01-06"], dtype="datetime64[ms]")
    parquet.write_table(
        pa.table({"date": dates, "A": [1.0, 2, 3], "B": [10.0, 20, 30]}), tmp_path / "p.parquet"
    )
    one = load(preset(source="parquet"), provider=ParquetProvider(tmp_path))
    assert one.fingerprint() == csv(tmp_path, WIDE).fingerprint()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("date,A\n2020-01-02,1\n2020-01-02,2\n", "2020-01-02T00:00:00Z stands there twice"),
        ("date,A\n2020-01-03,1\n2020-01-02,2\n", "comes after a later one"),
        ("date,A\n2020-01-02,1\n2020-03-02,2\n", "bars are missing between 2020-01-02"),
        ("date,A\n2020-01-02,1\n2020-01-03,\n2020-01-06,2\n", "close of A at 2020-01-03T00:00:00Z is nan"),
        ("date,A\n2020-01-02,1\n2020-01-03,-1\n", "close of A at 2020-01-03T00:00:00Z is -1"),
        ("date,A\n2020-01-02,1\n2020-01-03,x\n", "line 3 .* 'x' in A is not a number"),
        ("date,A\n2020-01-02,1\nsoon,2\n", "line 3 .* 'soon' is not a time"),
        ("date,A\n2020-01-02,1\n2020-01-03\n", "line 3 .* has 1 cells"),
        ("A,B\n1,2\n", "no column of times"),
        ("date\n2020-01-02\n", "times and nothing else"),
        ("date,A\n2020-01-02,1\n", "needs at least 2"),
        ("", "no rows"),
        ("date,A,B,A\n2020-01-02,1,2,3\n2020-01-03,1,2,3\n", "'A' stands twice in the heading"),
        (
            "date,A\n2020-01-02,1\n2020-01-03T00:00,1\n2020-01-03T01:00,2\n",
            "2020-01-03T01:00:00Z comes earlier than 1d .* not 1d bars",
        ),
        ("date,A\n2020-01-02T00:00,1\n2020-01-02T12:00,2\n", "comes earlier than 1d"),
        ("date,A\n9999-01-04,1\n9999-01-05,2\n", "bar of 9999-01-04T00:00:00Z lies in the future"),
        (
            "time,symbol,close\n2020-01-02,A,1\n2020-01-02,B,1\n2020-01-03,A,1\n",
            "bar of B at 2020-01-03.* is missing",
        ),
        ("time,symbol,close\n2020-01-02,A,1\n2020-01-02,A,1\n", "stands there twice"),
    ],
)
def test_data_that_cannot_be_trusted_is_told(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        csv(tmp_path, text)


def test_a_market_that_never_closes_has_no_holes(tmp_path: Path) -> None:
    times = np.array([0, 1, 2, 4], dtype=np.int64) * HOUR
    frame = Frame(times, ("A",), {"close": np.ones((4, 1))}, "1h")
    frame.check(periods_per_year=1638)
    with pytest.raises(DataError, match="1 bars are missing"):
        frame.check(periods_per_year=8760)


@pytest.mark.parametrize(
    ("times", "interval"),
    [
        (["2020-03-28T00:00", "2020-03-29T00:00", "2020-03-29T23:00"], "1d"),  # midnights in London
        (["2019-12-23T21:00", "2019-12-24T18:00", "2019-12-26T21:00"], "1d"),  # closes of New York
        (["2020-04-03", "2020-04-09", "2020-04-17"], "1w"),  # last days of trading weeks
    ],
)
def test_labels_may_move_with_clocks_and_holidays(times: list[str], interval: str) -> None:
    frame_of({"times": times, "symbols": ["A"], "close": [[1.0]] * 3}, interval=interval).check()


def test_days_are_no_hours() -> None:
    days = prices(50, 1)
    hourly = {"times": days.times, "symbols": days.symbols, "close": days.close}
    with pytest.raises(DataError, match="the nearest are 24 times that: these are not 1h bars"):
        frame_of(hourly, interval="1h").check()


def test_days_are_no_weeks() -> None:
    days = prices(50, 1)
    with pytest.raises(DataError, match="these are not 1w bars"):
        Frame(days.times, days.symbols, days.fields, "1w").check()


def test_a_window_takes_the_newest(tmp_path: Path) -> None:
    assert len(csv(tmp_path, WIDE, window="4d")) == 2


def test_old_data_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="older than its max_lag of 3d"):
        csv(tmp_path, WIDE, max_lag="3d")


def test_other_data_than_declared_is_told(tmp_path: Path) -> None:
    right = csv(tmp_path, WIDE).fingerprint()
    csv(tmp_path, WIDE, dataset_fingerprint=right)
    with pytest.raises(DataError, match=f"its fingerprint is {right}"):
        csv(tmp_path, WIDE, dataset_fingerprint="sha256:00")


def test_a_label_as_fingerprint_is_a_label(tmp_path: Path) -> None:
    csv(tmp_path, WIDE, dataset_fingerprint="prices of spring")


def test_symbols_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no C"):
        csv(tmp_path, WIDE, symbols=["A", "C"])


def test_a_world_without_presets_says_what_to_do() -> None:
    with pytest.raises(DataError, match="declares no data_presets"):
        choose([], None, "alpha")


def test_a_source_that_is_not_known() -> None:
    with pytest.raises(DataError, match="did you mean 'parquet'"):
        provider_of(preset(source="parket"))


def test_a_data_set_that_no_package_has() -> None:
    with pytest.raises(DataError, match="did you mean 'sp500-daily'"):
        load(preset(id="sp500", source="package-dataset"))


def test_the_fingerprint_is_of_the_bars() -> None:
    frame = prices(50, 2)
    changed = frame.close.copy()
    changed[10, 1] *= 1.0 + 1e-12
    other = Frame(frame.times, frame.symbols, {"close": changed})
    assert frame.fingerprint() == prices(50, 2).fingerprint() != other.fingerprint()


@pytest.mark.parametrize("data", [None, 7, {"close": []}, "prices.csv"])
def test_what_is_no_data(data: object) -> None:
    with pytest.raises(DataError, match="is no data"):
        frame_of(data)


# --- an exchange ----------------------------------------------------------------------------------------------
class Exchange:
    """Candles as ccxt gives them, some at a time; the newest is still open."""

    def __init__(self, count: int, now: int, page: int = 7) -> None:
        begin = now - now % HOUR - (count - 1) * HOUR
        self.rows = [[begin + n * HOUR, 1.0 + n, 3.0 + n, 0.5 + n, 2.0 + n, 10.0] for n in range(count)]
        self.now, self.page = now, page

    def milliseconds(self) -> int:
        return self.now

    def fetch_ohlcv(self, symbol: str, interval: str, *, since: int, limit: int) -> list[list[float]]:
        assert interval == "1h"
        return [row for row in self.rows if row[0] >= since][: min(limit, self.page)]


def test_an_exchange_gives_closed_bars_alone() -> None:
    now = parse_time("2024-05-01T12:30:00Z")
    wanted = preset(id="binance-1h", source="ccxt", interval="1h", symbols=["A/B", "C/D"], window="2d")
    frame = load(wanted, provider=CcxtProvider(Exchange(60, now)), periods_per_year=8760)
    assert frame.times[-1] == parse_time("2024-05-01T11:00:00Z")
    assert frame.symbols == ("A/B", "C/D")
    assert len(frame) == 47


def test_an_exchange_that_fails_is_told() -> None:
    class Broken(Exchange):
        def fetch_ohlcv(self, symbol: str, interval: str, *, since: int, limit: int) -> list[list[float]]:
            raise ConnectionError("no route")

    wanted = preset(id="binance-1h", source="ccxt", interval="1h", symbols=["A/B"])
    with pytest.raises(DataError, match="does not give A/B: ConnectionError"):
        load(wanted, provider=CcxtProvider(Broken(5, HOUR * 100)))


def test_an_exchange_that_nobody_knows() -> None:
    pytest.importorskip("ccxt")
    with pytest.raises(DataError, match="names no exchange"):
        load(preset(id="nowhere-1h", source="ccxt", interval="1h", symbols=["A/B"]))
    with pytest.raises(DataError, match="did you mean 'binance'"):
        load(preset(id="binanc-1h", source="ccxt", interval="1h", symbols=["A/B"]))
