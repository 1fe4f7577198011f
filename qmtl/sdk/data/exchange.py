"""Bars of an exchange, through ccxt (extra `qmtl[live]`)."""

from __future__ import annotations

import time
from importlib import import_module
from typing import Any

from qmtl.client.documents import DataPreset
from qmtl.client.nearest import nearest
from qmtl.sdk.errors import DataError
from qmtl.sdk.frame import FIELDS, Frame, long_rows
from qmtl.sdk.intervals import milliseconds

PAGE = 1000
DEFAULT_WINDOW = "365d"


class CcxtProvider:
    """`<exchange>-<anything>` as the preset's id names the exchange: `binance-1h`. Only closed bars are given."""

    def __init__(self, exchange: Any = None) -> None:
        self.exchange = exchange

    def load(self, preset: DataPreset) -> Frame:
        exchange = self.exchange or exchange_of(preset.id)
        step = milliseconds(preset.interval)
        now = int(exchange.milliseconds()) if hasattr(exchange, "milliseconds") else round(time.time() * 1000)
        since = now - milliseconds(preset.window or DEFAULT_WINDOW)
        if not preset.symbols:
            raise DataError(f"preset {preset.id!r} names no symbols; an exchange has too many")
        times: list[int] = []
        symbols: list[str] = []
        rows: list[list[float]] = []
        for symbol in preset.symbols:
            for row in candles(exchange, symbol, preset.interval, since, now - step):
                times.append(int(row[0]))
                symbols.append(symbol)
                rows.append([float(each) for each in row[1:6]])
        if not rows:
            raise DataError(f"the exchange has no bars for preset {preset.id!r}")
        columns = dict(zip(FIELDS, zip(*rows, strict=True), strict=True))
        return long_rows(times, symbols, columns, preset.interval)


def exchange_of(name: str) -> Any:
    try:
        ccxt = import_module("ccxt")
    except ImportError:
        raise DataError('an exchange needs ccxt: pip install "qmtl[live]"') from None
    wanted = name.partition("-")[0]
    if wanted not in ccxt.exchanges:
        meant = nearest(wanted, ccxt.exchanges)
        raise DataError(
            f"preset {name!r} names no exchange that ccxt knows; "
            + (f"did you mean {meant!r}?" if meant else "call it like binance-1h")
        )
    kind = getattr(ccxt, wanted)
    return kind({"enableRateLimit": True})


def candles(exchange: Any, symbol: str, interval: str, since: int, until: int) -> list[list[float]]:
    """Closed candles that began from `since` to `until`, each once, page by page."""
    found: dict[int, list[float]] = {}
    start = since
    while start <= until:
        try:
            page = exchange.fetch_ohlcv(symbol, interval, since=start, limit=PAGE)
        except Exception as error:  # of ccxt, whose base class is known only with the extra
            raise DataError(
                f"the exchange does not give {symbol}: {type(error).__name__}: {error}"
            ) from error
        fresh = [row for row in page if start <= row[0] <= until and row[0] not in found]
        if not fresh:
            break
        found.update({int(row[0]): row for row in fresh})
        start = max(found) + 1
    return [found[stamp] for stamp in sorted(found)]
