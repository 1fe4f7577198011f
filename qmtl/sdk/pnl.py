"""Profit and loss, and figures, without a service: the service's own code over the same input."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qmtl.metrics import Measures, alpha_performance, check_returns, measure, pnl_block, simulate_equity

__all__ = [
    "Account",
    "alpha_performance",
    "figures_of_returns",
    "missing_figures",
    "simulate_long_account_from_returns",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Account:
    """Equity E_1..E_T and profit per period in the currency, shape (periods,), after `starting_capital`."""

    equity: Floats
    pnl: Floats
    starting_capital: float
    reference_currency: str

    @property
    def block(self) -> dict[str, Any]:
        """The `pnl` block of the metric contract."""
        block: dict[str, Any] = dict(pnl_block(self.equity, starting_capital=self.starting_capital))
        return {"reference_currency": self.reference_currency, **block}

    def heads(self, returns: Floats, *, points: int = 256) -> dict[str, Any]:
        """`series_heads` of a snapshot: the first points; equity and pnl begin with the start."""
        whole = np.concatenate(([self.starting_capital], self.equity))
        return {
            "returns": returns[:points].tolist(),
            "equity": whole[:points].tolist(),
            "pnl": (whole[:points] - self.starting_capital).tolist(),
            "truncated": whole.size > points,
        }


def simulate_long_account_from_returns(
    returns: ArrayLike, *, starting_capital: float = 1_000_000.0, reference_currency: str = "USD"
) -> Account:
    """An account that compounds simple net returns, oldest first; 0 after a total loss.

    The figures are those that the service stores for the same returns and the world's reference capital. BadSeries for
    what is no series of returns.
    """
    series = check_returns(returns)
    equity = simulate_equity(series, starting_capital)
    pnl = np.diff(np.concatenate(([starting_capital], equity)))
    return Account(equity, pnl, float(starting_capital), reference_currency)


def figures_of_returns(
    returns: ArrayLike,
    *,
    periods_per_year: float = 252.0,
    risk_free_rate: float = 0.0,
    trials: float | None = None,
) -> dict[str, dict[str, float | int | None]]:
    """Every metric of the catalogue that returns alone give, {block: {name: figure}}; None where it is missing.

    The service counts the trials of a family; here there is one unless more are said.
    """
    return _measured(returns, periods_per_year, risk_free_rate, trials).row(0)


def missing_figures(
    returns: ArrayLike, *, periods_per_year: float = 252.0, risk_free_rate: float = 0.0
) -> dict[str, str]:
    """Why figures are missing, by dotted name."""
    return _measured(returns, periods_per_year, risk_free_rate, None).missing(0)


def _measured(
    returns: ArrayLike, periods_per_year: float, risk_free_rate: float, trials: float | None
) -> Measures:
    series = check_returns(returns)
    return measure(
        series[np.newaxis, :],
        periods_per_year=periods_per_year,
        risk_free_rate=risk_free_rate,
        trials=None if trials is None else np.array([trials]),
    )


def window_of(first: datetime, last: datetime) -> str:
    """`window` of the metric contract: start/end."""
    return "/".join(each.isoformat().replace("+00:00", "Z") for each in (first, last))
