"""The bookkeeping, by hand: weights of close t earn t to t+1, minus what trading cost."""

from __future__ import annotations

import numpy as np
import pytest

from qmtl_site.demo.portfolio import Simulation, simulate
from qmtl_site.demo.prices import Prices
from qmtl_site.demo.strategies.strategy import DemoStrategy

HOLD = [np.nan, np.nan]
DAY = 86_400_000


def run(
    closes: list[list[float]],
    weights: list[list[float]],
    *,
    cost_bps: float = 0.0,
    start: int | None = None,
    end: int | None = None,
) -> Simulation:
    """Simulate two assets, given day by day."""
    days = np.arange(len(closes), dtype=np.int64) * DAY
    prices = Prices(dates=days, close=np.array(closes, dtype=np.float64).T, tickers=("A", "B"))
    strategy = DemoStrategy("x", "X", "x", (), "both", "", lambda _: np.array(weights, dtype=np.float64))
    return simulate(strategy, prices, start=start, end=end, cost_bps=cost_bps)


def test_a_weight_earns_the_day_after_it_was_decided() -> None:
    record = run([[10, 10], [11, 10], [11, 10]], [[0, 0], [1, 0], [1, 0]])
    assert record.returns == pytest.approx([0.0, 0.0])


def test_a_return_carries_the_date_on_which_it_was_made() -> None:
    assert run([[10, 10], [11, 10]], [[1, 0], [1, 0]]).timestamps.tolist() == [DAY]


def test_held_shares_drift_with_their_prices() -> None:
    record = run([[10, 10], [20, 10], [20, 20]], [[0.5, 0.5], HOLD, HOLD])
    assert record.returns == pytest.approx([0.5, 1 / 3])


def test_weights_that_are_set_right_again_do_not_drift() -> None:
    record = run([[10, 10], [20, 10], [20, 20]], [[0.5, 0.5]] * 3)
    assert record.returns == pytest.approx([0.5, 0.5])


def test_what_is_not_invested_earns_nothing() -> None:
    assert run([[10, 10], [20, 10]], [[0.25, 0], HOLD]).returns == pytest.approx([0.25])


def test_a_short_sale_earns_the_fall() -> None:
    assert run([[10, 10], [8, 10]], [[-0.5, 0], HOLD]).returns == pytest.approx([0.1])


def test_costs_are_taken_from_the_period_that_the_trade_opens() -> None:
    record = run([[10, 10], [11, 10], [11, 10]], [[1, 0], [0, 1], HOLD], cost_bps=100)
    assert record.returns == pytest.approx([1.1 * 0.99 - 1, 0.98 - 1])


def test_turnover_counts_what_is_bought_and_what_is_sold() -> None:
    assert run([[10, 10]] * 3, [[1, 0], [0, 1], HOLD]).annual_turnover == pytest.approx(252 * 1.5)


def test_each_position_that_is_moved_is_a_trade() -> None:
    assert run([[10, 10]] * 3, [[1, 0], [0, 1], HOLD]).trades == 3


def test_a_correction_below_a_thousandth_is_no_trade() -> None:
    assert run([[10, 10]] * 3, [[0.5, 0], [0.5009, 0], HOLD]).trades == 1


def test_before_the_first_decision_there_is_only_cash() -> None:
    assert run([[10, 10], [20, 20], [30, 30]], [HOLD, HOLD, HOLD]).returns.tolist() == [0.0, 0.0]


def test_who_has_lost_everything_stays_at_zero() -> None:
    record = run([[10, 10], [30, 10], [10, 10]], [[-1, 0]] * 3)
    assert record.returns.tolist() == [-1.0, 0.0]


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        (None, None, [1, 2, 3]),
        (2 * DAY, None, [2, 3]),
        (None, 2 * DAY, [1, 2]),
        (2 * DAY, 2 * DAY, [2]),
        (9 * DAY, None, []),
        (None, -DAY, []),
    ],
)
def test_a_record_is_cut_to_the_days_asked_for(start: int | None, end: int | None, days: list[int]) -> None:
    record = run([[10, 10]] * 4, [[1, 0]] * 4, start=start, end=end)
    assert (record.timestamps // DAY).tolist() == days


def test_the_record_enters_with_what_was_held_before_it() -> None:
    record = run([[10, 10], [10, 10], [20, 10]], [[1, 0], HOLD, HOLD], start=2 * DAY, cost_bps=100)
    assert (record.returns.tolist(), record.trades) == ([1.0], 0)
