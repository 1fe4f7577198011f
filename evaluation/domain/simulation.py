"""The account behind a record: reported, or simulated with the world's reference capital."""

from __future__ import annotations

import numpy as np

from evaluation.domain.record import Record, WorldTerms
from qmtl.metrics import Column, simulate_equity


def equity_of(record: Record, terms: WorldTerms) -> tuple[Column, float]:
    """Equity E_1..E_T and the capital E_0, reported or simulated with the world's reference capital."""
    if record.equity is not None:
        return record.equity[1:], float(record.equity[0])
    assert record.returns is not None
    return simulate_equity(record.returns, terms.reference_capital), terms.reference_capital


def pnl_of(equity: Column, capital: float) -> Column:
    """Profit and loss per period; NaN where the equity has grown beyond what a number holds."""
    with np.errstate(invalid="ignore"):
        return np.diff(np.concatenate(([capital], equity)))
