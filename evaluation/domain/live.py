"""What a live strategy made over its last days, and how much of its backtest's Sharpe is left."""

from __future__ import annotations

from typing import Any

import numpy as np

from evaluation.domain.record import Record, WorldTerms
from qmtl.metrics import measure

WINDOWS = (30, 60, 90)
FIGURES = ("sharpe", "max_drawdown", "volatility", "es_p05")


def live_figures(record: Record, terms: WorldTerms) -> dict[str, dict[str, float | None]]:
    """`{30d: {sharpe, max_drawdown, volatility, es_p05, decay}, ...}`; None where it is not known.

    `decay` = live Sharpe / backtest Sharpe, None where the backtest's is not positive.
    """
    return {f"{days}d": window(record, terms, days) for days in WINDOWS}


def window(record: Record, terms: WorldTerms, days: int) -> dict[str, float | None]:
    tail = record.last_days(days)
    block: dict[str, float | None] = dict.fromkeys((*FIGURES, "decay"))
    if tail.size < 2:
        return block
    measured = measure(
        tail[None, :],
        periods_per_year=terms.periods_per_year,
        risk_free_rate=terms.risk_free_rate,
        only={f"returns.{name}" for name in FIGURES},
    )
    for name in FIGURES:
        value = measured.columns[f"returns.{name}"][0]
        block[name] = None if np.isnan(value) else float(value)
    block["decay"] = decay(block["sharpe"], record.told.get("backtest_sharpe"))
    return block


def decay(live: float | None, backtest: Any) -> float | None:
    return None if live is None or backtest is None or backtest <= 0 else live / float(backtest)
