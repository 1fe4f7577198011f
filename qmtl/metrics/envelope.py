"""The rebalancing envelope's figures of one portfolio."""

from __future__ import annotations

import numpy as np

from qmtl.metrics.measure import measure
from qmtl.metrics.panel import Column


def alpha_performance(
    returns: Column, *, periods_per_year: float = 252, risk_free_rate: float = 0.0
) -> dict[str, float]:
    """The rebalancing envelope's six keys for one portfolio, shape (periods,); 0.0 where not known.

    Here, and only here, an unknown figure is 0.0: that is the envelope's contract.
    """
    series = np.asarray(returns, dtype=np.float64)[None, :]
    measures = measure(series, periods_per_year=periods_per_year, risk_free_rate=risk_free_rate)
    figure = {name: float(column[0]) for name, column in measures.columns.items()}
    depth, spread = abs(figure["returns.max_drawdown"]), figure["returns.volatility"]
    rar = figure["returns.cagr"] / spread if spread > 0 else float("nan")
    figures = {
        "sharpe": figure["returns.sharpe"],
        "max_drawdown": figure["returns.max_drawdown"],
        "win_ratio": figure["returns.win_rate"],
        "profit_factor": figure["returns.profit_factor"],
        "car_mdd": figure["returns.calmar_ratio"],
        "rar_mdd": rar / depth if depth > 0 else float("nan"),
    }
    return {
        f"alpha_performance.{name}": value if np.isfinite(value) else 0.0 for name, value in figures.items()
    }
