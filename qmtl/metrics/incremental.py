"""What a strategy adds to the tail risk of a portfolio."""

from __future__ import annotations

import numpy as np

from qmtl.metrics.panel import Column, PanelView
from qmtl.metrics.tail import expected_shortfall, value_at_risk


def incremental_var_es(
    portfolio_returns: Column, strategy_returns: Column, weight: float, p: float = 0.01
) -> tuple[float, float]:
    """Historical VaR and ES of the portfolio with the strategy at its proposed weight, minus without it.

    Both of shape (periods,) on common timestamps, at least one of them. The strategy comes on top:
    with = portfolio + weight x strategy. With an empty live set the portfolio is all zeros, and the figures
    are the strategy's own at that weight. Fractions of capital, any sign: negative where it diversifies.
    """
    without = np.asarray(portfolio_returns, dtype=np.float64)
    pair = PanelView(
        np.stack([without, without + weight * np.asarray(strategy_returns)]),
        periods_per_year=1.0,
        levels=(p,),
    )
    var, es = value_at_risk(pair, p), expected_shortfall(pair, p)
    return float(var[1] - var[0]), float(es[1] - es[0])
