"""Names, and the page that is made from them."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from qmtl.metrics import CATALOGUE, UnknownMetric, measure, resolve
from qmtl.metrics.document import page

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


@pytest.mark.parametrize(
    ("name", "dotted"),
    [
        ("sharpe", "returns.sharpe"),
        ("returns.sharpe", "returns.sharpe"),
        ("sample_count", "returns.sample_count"),
        ("deflated_sharpe_ratio", "robustness.deflated_sharpe_ratio"),
        ("pbo", "robustness.pbo"),
        ("n_trades_total", "sample.n_trades_total"),
        ("adv_utilization_p95", "risk.adv_utilization_p95"),
        ("pnl_total", "pnl.pnl_total"),
        ("search_intensity", "diagnostics.search_intensity"),
        ("benchmark.beta", "benchmark.beta"),
        ("alpha_performance.sharpe", "alpha_performance.sharpe"),
        ("live.30d.decay", "live.30d.decay"),
        ("stress.crash_2008.var_99", "stress.crash_2008.var_99"),
        ("sample.regime_coverage.high_vol", "sample.regime_coverage.high_vol"),
    ],
)
def test_a_name_resolves(name, dotted):
    assert resolve(name).dotted == dotted


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("sharp", "sharpe"),
        ("max_dd", "max_drawdown"),
        ("returns.sharp", "returns.sharpe"),
        ("win_ratio", "win_rate"),
    ],
)
def test_an_unknown_name_hints_at_the_nearest(name, nearest):
    with pytest.raises(UnknownMetric) as unknown:
        resolve(name)
    assert nearest in unknown.value.nearest


@pytest.mark.parametrize(
    "name", ["beta", "decay", "car_mdd", "stress.var_99", "live.31d.sharpe", "", "stress..var_99"]
)
def test_blocks_beside_the_strategys_own_are_always_dotted(name):
    with pytest.raises(UnknownMetric):
        resolve(name)


def test_an_unknown_metric_survives_pickling():
    again = pickle.loads(pickle.dumps(UnknownMetric("x", ["y"])))
    assert (again.name, again.nearest) == ("x", ["y"])


def test_every_metric_of_returns_is_computed():
    computed = set(measure(np.zeros((1, 3))).columns)
    assert computed == {
        name for name, metric in CATALOGUE.items() if metric.needs == "returns" and metric.compute
    }
    assert {name for name in CATALOGUE if name.startswith(("returns.", "robustness."))} - computed == {
        "robustness.pbo"
    }


def test_every_entry_is_filed_under_its_own_name():
    assert all(metric.dotted == name for name, metric in CATALOGUE.items())


def test_the_page_is_what_the_catalogue_makes():
    assert PAGE.read_text(encoding="utf-8") == page()
