"""How much was seen: dates, years, trades, and the benchmark's weather meanwhile."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from qmtl.metrics.panel import Column

MILLISECONDS_PER_DAY = 86_400_000
ROLLING_PERIODS = 20


def sample_block(
    *,
    timestamps: NDArray[np.int64],
    period_count: int,
    periods_per_year: float,
    n_trades_total: int | None,
) -> dict[str, float | int | None]:
    """The sample block's figures but regime_coverage; trades are None where nobody counted them."""
    years = effective_history_years(period_count, periods_per_year)
    return {
        "sample_days": sample_days(timestamps),
        "effective_history_years": years,
        "n_trades_total": n_trades_total,
        "n_trades_per_year": None if n_trades_total is None or years == 0 else n_trades_total / years,
    }


def sample_days(timestamps: NDArray[np.int64]) -> int:
    """Number of distinct UTC dates among timestamps in UTC milliseconds."""
    return len(np.unique(np.asarray(timestamps, dtype=np.int64) // MILLISECONDS_PER_DAY))


def effective_history_years(period_count: int, periods_per_year: float) -> float:
    """T / P, in years."""
    return period_count / periods_per_year


def regime_coverage(
    timestamps: NDArray[np.int64],
    benchmark_timestamps: NDArray[np.int64],
    benchmark_returns: Column,
) -> dict[str, float] | None:
    """Share of the sample's periods in each volatility regime of the benchmark; the shares sum to 1.

    Regimes are the terciles of the benchmark's 20-period rolling volatility over its whole history; a value
    on a bound belongs to the lower one. Periods without a rolling volatility do not count. None where none
    has one or the terciles coincide.
    """
    order = np.argsort(benchmark_timestamps, kind="stable")
    moments = np.asarray(benchmark_timestamps, dtype=np.int64)[order]
    rolling = rolling_volatility(np.asarray(benchmark_returns, dtype=np.float64)[order])
    seen = rolling[np.isin(moments, timestamps) & np.isfinite(rolling)]
    if len(seen) == 0:
        return None
    lower, upper = np.quantile(rolling[np.isfinite(rolling)], [1 / 3, 2 / 3])
    if lower == upper:
        return None
    low, high = float(np.mean(seen <= lower)), float(np.mean(seen > upper))
    middle = float(np.mean((seen > lower) & (seen <= upper)))
    return {"low_vol": low, "mid_vol": middle, "high_vol": high}


def rolling_volatility(returns: Column, periods: int = ROLLING_PERIODS) -> Column:
    """std(ddof=1) of the last 20 returns at each period, shape (periods,); NaN for the first 19."""
    rolling = np.full(len(returns), np.nan)
    if len(returns) >= periods:
        rolling[periods - 1 :] = sliding_window_view(returns, periods).std(axis=1, ddof=1)
    return rolling
