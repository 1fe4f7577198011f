"""The metric catalogue and its kernel: pure functions of arrays, no I/O, no clock."""

from qmtl.metrics.benchmark import benchmark_block
from qmtl.metrics.catalogue import CATALOGUE, UnknownMetric, resolve
from qmtl.metrics.envelope import alpha_performance
from qmtl.metrics.incremental import incremental_var_es
from qmtl.metrics.measure import MeasuredRow, Measures, measure, measure_many
from qmtl.metrics.metric import Metric
from qmtl.metrics.overfitting import common_panel, pbo
from qmtl.metrics.panel import Column, Panel
from qmtl.metrics.pnl import pnl_block, simulate_equity
from qmtl.metrics.returns import sharpe_per_period
from qmtl.metrics.robustness import (
    deflated_sharpe_ratio,
    expected_max_sharpe,
    min_track_record_length,
    probabilistic_sharpe_ratio,
)
from qmtl.metrics.sample import regime_coverage, sample_block
from qmtl.metrics.series import BadSeries, check_returns, returns_from_equity

__all__ = [
    "CATALOGUE",
    "BadSeries",
    "Column",
    "MeasuredRow",
    "Measures",
    "Metric",
    "Panel",
    "UnknownMetric",
    "alpha_performance",
    "benchmark_block",
    "check_returns",
    "common_panel",
    "deflated_sharpe_ratio",
    "expected_max_sharpe",
    "incremental_var_es",
    "measure",
    "measure_many",
    "min_track_record_length",
    "pbo",
    "pnl_block",
    "probabilistic_sharpe_ratio",
    "regime_coverage",
    "resolve",
    "returns_from_equity",
    "sample_block",
    "sharpe_per_period",
    "simulate_equity",
]
