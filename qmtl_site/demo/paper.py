"""What the strategies earned after their backtests: the demo's paper trading, over prices that nobody had seen."""

from __future__ import annotations

from qmtl_site.demo.portfolio import Simulation, simulate
from qmtl_site.demo.prices import BACKTEST_END, DAY, Prices
from qmtl_site.demo.strategies import DemoStrategy
from strategies.domain.reports import PerformanceRecord
from worlds.domain.series import iso

PAPER_START = BACKTEST_END + DAY


def paper_record(demo: DemoStrategy, prices: Prices) -> Simulation:
    """Daily returns from the first day after the backtest to the last price."""
    return simulate(demo, prices, start=PAPER_START)


def paper_report(demo: DemoStrategy, prices: Prices) -> list[PerformanceRecord]:
    """The same as a runner posts it."""
    record = paper_record(demo, prices)
    days = zip(record.timestamps.tolist(), record.returns.tolist(), strict=True)
    return [PerformanceRecord.model_validate({"ts": iso(day), "return": value}) for day, value in days]
