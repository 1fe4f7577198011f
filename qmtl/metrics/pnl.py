"""Profit and loss of an account, in its currency."""

from __future__ import annotations

import numpy as np

from qmtl.metrics.panel import Column


def pnl_block(equity: Column, *, starting_capital: float) -> dict[str, float | int]:
    """The pnl block's figures for an equity series E_1..E_T, shape (periods,), after the starting capital."""
    return {
        "sample_count": len(equity),
        "pnl_total": pnl_total(equity, starting_capital),
        "pnl_max_drawdown": pnl_max_drawdown(equity, starting_capital),
        "pnl_equity_peak": pnl_equity_peak(equity, starting_capital),
    }


def pnl_total(equity: Column, starting_capital: float) -> float:
    """E_T less the starting capital; currency, any sign; 0 for no periods."""
    return float(equity[-1] - starting_capital) if len(equity) else 0.0


def pnl_max_drawdown(equity: Column, starting_capital: float) -> float:
    """Deepest fall from a running peak, the starting capital counted as the first; currency <= 0."""
    account = np.concatenate(([starting_capital], equity))
    return float((account - np.maximum.accumulate(account)).min())


def pnl_equity_peak(equity: Column, starting_capital: float) -> float:
    """Greatest equity, the starting capital counted; currency."""
    return float(equity.max(initial=starting_capital))


def simulate_equity(returns: Column, starting_capital: float) -> Column:
    """Equity E_1..E_T, shape (periods,), of a capital that compounds the returns; 0 after a total loss."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(starting_capital * np.cumprod(1.0 + returns), dtype=np.float64)
