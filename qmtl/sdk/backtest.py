"""A replay of history: what the strategy's nodes gave, what it earned, and the results document of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from qmtl.metrics import BadSeries, check_returns
from qmtl.sdk.book import Book, targets_of
from qmtl.sdk.engine import Engine
from qmtl.sdk.errors import DataError, StrategyError
from qmtl.sdk.frame import Floats, Frame, Times, times_of
from qmtl.sdk.intervals import iso
from qmtl.sdk.strategy import Strategy, costs_of

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Record:
    """What was earned: simple net returns and their times, oldest first. `source` as the metric contract names it."""

    times: Times
    returns: Floats
    source: str
    trades: int | None = None
    turnover: float | None = None
    complexity: int | None = None
    alpha: Mapping[str, float] | None = None

    @property
    def is_auto(self) -> bool:
        return self.source == "auto_returns"


def backtest(
    strategy: Strategy,
    frame: Frame,
    *,
    periods_per_year: float = 252.0,
    progress: Progress | None = None,
    engine: Engine | None = None,
) -> Record:
    """Replay the frame. The record begins where the strategy first decided, so that warming up is no flat return.

    NodeError where a compute function fails, or where nothing was ever decided.
    """
    engine = engine or Engine(strategy, frame.symbols, frame.interval)
    book = Book(costs_bps=costs_of(strategy))
    own_times: list[int] = []
    own: list[float] = []
    total = len(frame)
    for place, bar in enumerate(frame.bars()):
        outputs = engine.step(bar)
        if "returns" in outputs:
            own_times.append(bar.time)
            own.append(float(outputs["returns"].mean()))
        book.step(bar.time, bar.values["close"], targets_of(outputs))
        if progress is not None and (place % 256 == 0 or place + 1 == total):
            progress(place + 1, total)
    engine.complete()
    if own:
        return own_record(own_times, own, len(engine.nodes))
    if len(book.returns) < 2:
        raise engine.never_decided(total)
    return Record(
        np.array(book.times, dtype=np.int64),
        np.array(book.returns),
        "auto_returns",
        book.trades,
        book.annual_turnover(periods_per_year),
        len(engine.nodes),
    )


def own_record(times: list[int], values: list[float], complexity: int | None) -> Record:
    try:
        checked = check_returns(values, name="the strategy's own returns")
    except BadSeries as bad:
        at = "" if bad.index is None else f" ({iso(times[bad.index])})"
        raise StrategyError(f"{bad}{at}") from None
    return Record(np.array(times, dtype=np.int64), checked, "strategy_explicit", complexity=complexity)


def given_record(returns: Any) -> Record:
    """A record of returns that an author has worked out: `{"values": [...], "timestamps": [...]}`, a series with
    times as its index, or (times, values). DataError for anything else."""
    if isinstance(returns, Mapping):
        values, times = returns.get("values"), returns.get("timestamps")
    elif hasattr(returns, "index") and hasattr(returns, "to_numpy"):
        values, times = returns.to_numpy(), returns.index
    elif isinstance(returns, tuple) and len(returns) == 2:
        times, values = returns
    else:
        values = times = None
    if values is None or times is None:
        raise DataError(
            'returns need their times: give {"values": [...], "timestamps": [...]} or a series with dates'
        )
    stamps = times_of(times)
    if len(stamps) != len(values):
        raise DataError(f"there are {len(values)} returns and {len(stamps)} times")
    if (np.diff(stamps) <= 0).any():
        place = int(np.argmax(np.diff(stamps) <= 0)) + 1
        raise DataError(f"the return of {iso(int(stamps[place]))} is not later than the one before it")
    return own_record(stamps.tolist(), np.asarray(values, dtype=np.float64).tolist(), None)


def results_document(
    record: Record, *, code_hash: str, fingerprint: str, tags: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The body of `POST .../results`."""
    document: dict[str, Any] = {
        "returns": {
            "values": record.returns.tolist(),
            "timestamps": [iso(time) for time in record.times.tolist()],
            "source": record.source,
        },
        "meta": {
            "auto_returns": record.is_auto,
            "tags": list(tags),
            "dataset_fingerprint": fingerprint,
            "code_hash": code_hash,
        },
    }
    if record.complexity is not None:
        document["meta"]["strategy_complexity"] = record.complexity
    if record.alpha is not None:
        document["meta"]["extra_metrics"] = dict(record.alpha)
    if record.trades is not None:
        document["trades"] = {"count": record.trades, "turnover": record.turnover}
        document["risk"] = {"turnover_proxy": record.turnover}
    return document
