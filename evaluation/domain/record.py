"""The record that a run is judged by: its series in arrays and what the caller said beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qmtl.metrics import Column
from worlds.domain.series import Times

DAY_MS = 86_400_000
WEEKEND_DAYS = 7  # so much may be lacking at the start of a window


@dataclass(frozen=True)
class WorldTerms:
    """What all figures of a world are computed with."""

    periods_per_year: float
    risk_free_rate: float
    reference_capital: float
    reference_currency: str
    benchmark_times: Times | None = None
    benchmark_returns: Column | None = None


@dataclass(frozen=True)
class Record:
    """One run's input.

    `returns` None: the client brought finished metrics only. `equity` has one value more than `returns`, E_0
    first; None: it is simulated with the world's reference capital. `told` is the caller's document without
    the series (trades, metrics, risk, meta, error).
    """

    stage: str
    times: Times | None
    returns: Column | None
    equity: Column | None
    told: Mapping[str, Any] = field(default_factory=dict)
    own_benchmark: tuple[Times, Column] | None = None

    @property
    def trades(self) -> int | None:
        trades = self.told.get("trades")
        return None if trades is None else int(trades["count"])

    @property
    def meta(self) -> Mapping[str, Any]:
        meta: Mapping[str, Any] = self.told.get("meta") or {}
        return meta

    @property
    def error(self) -> Mapping[str, Any] | None:
        """What the strategy's side failed with: then there is nothing to measure."""
        error: Mapping[str, Any] | None = self.told.get("error")
        return error

    def declared(self, name: str) -> float | None:
        """What the author says of himself: in `meta`, or as a figure of the block `diagnostics`."""
        given: Mapping[str, float] = (self.told.get("metrics") or {}).get("diagnostics") or {}
        value: float | None = self.meta.get(name, given.get(name))
        return value

    @property
    def source(self) -> str:
        if self.returns is None:
            return "client"
        if declared := self.told.get("source"):
            return str(declared)
        if self.stage == "live":
            return "live_realized"
        return "auto_returns" if self.meta.get("auto_returns") else "strategy_explicit"

    @property
    def pnl_source(self) -> str:
        if self.returns is None:
            return "client"
        if self.equity is None:
            return "simulated_from_returns"
        return str(self.meta.get("pnl_source") or f"account_{self.told.get('series', 'equity')}")

    def last_days(self, days: int) -> Column:
        """The returns of the last N days of the record, its newest time included."""
        if self.returns is None or self.times is None or not self.times.size:
            return np.empty(0)
        tail: Column = self.returns[self.times > self.times[-1] - days * DAY_MS]
        return tail

    @property
    def span_days(self) -> float:
        """From its first point to its newest one."""
        if self.times is None or not self.times.size:
            return 0.0
        return float(self.times[-1] - self.times[0]) / DAY_MS

    def reaches_back(self, days: int) -> bool:
        """Whether the record covers its last N days, but for a weekend at their start."""
        return self.span_days >= days - WEEKEND_DAYS


def aligned(
    times: Times, returns: Column, other_times: Times, other: Column
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both series on their common times."""
    _, left, right = np.intersect1d(times, other_times, assume_unique=True, return_indices=True)
    return returns[left], other[right]
