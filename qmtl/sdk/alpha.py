"""The six figures of the rebalancing envelope, as a node of a strategy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from qmtl.metrics import alpha_performance
from qmtl.sdk.nodes import Floats, Node, Stream

METRICS = ("sharpe", "max_drawdown", "win_ratio", "profit_factor", "car_mdd", "rar_mdd")
PREFIX = "alpha_performance."


class AlphaPerformance(Node):
    """`alpha_performance.<metric>` of the last `period` returns that its input gives; 0.0 where one is not known."""

    def __init__(
        self,
        returns: Node | Stream,
        *,
        period: int = 252,
        periods_per_year: float = 252.0,
        risk_free_rate: float = 0.0,
        name: str = "alpha_performance",
    ) -> None:
        def compute(window: Floats) -> Floats:
            figures = alpha_performance(
                window[:, 0], periods_per_year=periods_per_year, risk_free_rate=risk_free_rate
            )
            return np.array([figures[PREFIX + metric] for metric in METRICS])

        super().__init__(name, [returns], compute, period=period)


def named(row: Floats) -> dict[str, float]:
    """The node's output by key."""
    return {PREFIX + metric: float(value) for metric, value in zip(METRICS, row, strict=True)}


def read_alpha_metrics(values: Mapping[str, object]) -> dict[str, float]:
    """The keys of an envelope that are known; others are ignored, missing ones are 0.0."""
    found = {name: values.get(PREFIX + name) for name in METRICS}
    return {
        PREFIX + name: float(value) if isinstance(value, int | float) else 0.0
        for name, value in found.items()
    }
