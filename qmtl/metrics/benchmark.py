"""A strategy against its world's benchmark."""

from __future__ import annotations

import numpy as np

from qmtl.metrics.measure import measure
from qmtl.metrics.panel import Column, PanelView


def benchmark_block(
    returns: Column, benchmark_returns: Column, *, periods_per_year: float = 252, risk_free_rate: float = 0.0
) -> tuple[dict[str, float | None], dict[str, str]]:
    """The benchmark block's figures and, for those that are None, the reason.

    Both of shape (periods,) on common timestamps. sharpe, max_drawdown and volatility are the benchmark's
    own; the others compare the strategy with it.
    """
    if len(returns) != len(benchmark_returns):
        raise ValueError("the strategy and its benchmark must have the same timestamps")
    pair = np.stack([benchmark_returns, returns]).astype(np.float64)
    measures = measure(pair, periods_per_year=periods_per_year, risk_free_rate=risk_free_rate)
    figures = {
        name: measures.columns[f"returns.{name}"][0] for name in ("sharpe", "max_drawdown", "volatility")
    }
    with np.errstate(all="ignore"):
        figures["alpha"] = alpha(returns, benchmark_returns, periods_per_year, risk_free_rate)
        figures["beta"] = beta(returns, benchmark_returns)
        figures["information_ratio"] = information_ratio(returns, benchmark_returns, periods_per_year)
        figures["sharpe_uplift"] = measures.columns["returns.sharpe"][1] - figures["sharpe"]
    known = {name: float(value) if np.isfinite(value) else None for name, value in figures.items()}
    return known, {name: _why(name, pair) for name, value in known.items() if value is None}


def beta(returns: Column, benchmark_returns: Column) -> float:
    """cov(r, b) / var(b); any sign; NaN where the benchmark has no variance (Sharpe 1964)."""
    pair = _view(np.stack([benchmark_returns, returns]))
    if pair.periods < 2 or pair.constant[0]:
        return float("nan")
    return float((pair.deviations[0] * pair.deviations[1]).sum() / pair.sum_of_squares[0])


def alpha(
    returns: Column, benchmark_returns: Column, periods_per_year: float, risk_free_rate: float = 0.0
) -> float:
    """P (mean(r) - rf/P - beta (mean(b) - rf/P)); a fraction per year; NaN as for beta (Jensen 1968)."""
    if len(returns) < 2:
        return float("nan")
    free = risk_free_rate / periods_per_year
    ahead = float(np.mean(returns)) - free
    return periods_per_year * (
        ahead - beta(returns, benchmark_returns) * (float(np.mean(benchmark_returns)) - free)
    )


def information_ratio(returns: Column, benchmark_returns: Column, periods_per_year: float) -> float:
    """mean(r - b) / std(r - b, ddof=1) sqrt(P); any sign; NaN where the difference has no variance."""
    if len(returns) < 2:
        return float("nan")
    active = _view((returns - benchmark_returns)[None, :])
    return float(active.sharpe[0] * np.sqrt(periods_per_year))


def _view(panel: Column) -> PanelView:
    return PanelView(np.asarray(panel, dtype=np.float64), periods_per_year=1.0)


def _why(name: str, pair: Column) -> str:
    """Reason for a missing figure of the benchmark block; `pair` is benchmark and strategy."""
    if pair.shape[1] < 2:
        return "needs at least 2 points"
    if not _view(pair).valid.all():
        return "not a series of returns (NaN, Infinity or below -1)"
    if name == "information_ratio":
        return "zero variance of the difference"
    return (
        "zero variance of the strategy" if not _view(pair).constant[0] else "zero variance of the benchmark"
    )
