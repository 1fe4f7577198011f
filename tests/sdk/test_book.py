"""From weights to returns, by hand, and against the service's own figures."""

from __future__ import annotations

import numpy as np
import pytest

from qmtl.metrics import BadSeries
from qmtl.sdk import AlphaPerformance, Frame, Node, Runner, Strategy, StrategyError, read_alpha_metrics
from qmtl.sdk.alpha import METRICS, named
from qmtl.sdk.book import Book
from qmtl.sdk.engine import Engine, replay
from qmtl.sdk.pnl import figures_of_returns, simulate_long_account_from_returns
from tests.sdk.authors import Holding, Losing, Momentum, prices, weekdays


def test_a_return_by_hand() -> None:
    book = Book(costs_bps=10.0)
    book.step(0, np.array([10.0, 20.0]), np.array([0.5, 0.25]))
    earned = book.step(1, np.array([11.0, 18.0]), None)
    # half earned 10 %, a quarter lost 10 %, and three quarters of the equity were bought at ten basis points
    assert earned == pytest.approx((1 + 0.05 - 0.025) * (1 - 0.00075) - 1)


def test_without_new_weights_holdings_drift() -> None:
    book = Book(costs_bps=0.0)
    book.step(0, np.array([10.0]), np.array([0.5]))
    book.step(1, np.array([20.0]), None)
    assert book.step(2, np.array([10.0]), None) == pytest.approx(-1 / 3)
    assert book.trades == 1


def test_who_lost_everything_stays_at_zero() -> None:
    book = Book(costs_bps=0.0)
    book.step(0, np.array([10.0]), np.array([-2.0]))
    earned = [book.step(n, np.array([p]), np.array([1.0])) for n, p in ((1, 30.0), (2, 60.0))]
    assert earned == [-1.0, 0.0]


def test_signals_are_spread_evenly() -> None:
    frame = prices(50, 4)
    result = Runner.offline(Holding, frame)
    relative = frame.close[1:] / frame.close[:-1]
    assert result.returns[0] == pytest.approx((relative[0].mean()) * (1 - 5e-4) - 1)


def test_weights_that_are_no_fractions_are_refused() -> None:
    class Dollars(Strategy):
        def setup(self) -> None:
            self.add(Node("weights", [self.stream()], lambda w: 1000.0 * np.ones(w.shape[1])))

    with pytest.raises(StrategyError, match="no fraction"):
        Runner.offline(Dollars, prices(10))


def test_a_strategy_that_never_decides_is_told_so() -> None:
    with pytest.raises(StrategyError, match="looks back 61"):
        Runner.offline(Momentum, prices(40))


def test_own_returns_are_taken_as_they_are() -> None:
    class Own(Strategy):
        def setup(self) -> None:
            self.add(Node("returns", [self.stream(period=2)], lambda w: (w[-1] / w[0] - 1).mean()))

    frame = prices(30, 2)
    result = Runner.offline(Own, frame)
    assert result.record.source == "strategy_explicit"
    assert result.returns == pytest.approx((frame.close[1:] / frame.close[:-1] - 1).mean(axis=1))


def test_own_returns_that_are_none_are_told_with_their_day() -> None:
    class Own(Strategy):
        def setup(self) -> None:
            self.add(Node("returns", [self.stream()], lambda w: np.nan))

    with pytest.raises(StrategyError, match=r"failed at 2010-01-04.* return nan"):
        Runner.offline(Own, prices(30, 2))


def test_costs_cost() -> None:
    class Free(Losing):
        costs_bps = 0.0

    frame = prices(300)
    assert Runner.offline(Losing, frame).account.equity[-1] < Runner.offline(Free, frame).account.equity[-1]


# --- figures --------------------------------------------------------------------------------------------------
def test_an_account_compounds_its_returns() -> None:
    account = simulate_long_account_from_returns([0.1, -0.5, 0.2], starting_capital=100.0)
    assert account.equity == pytest.approx([110.0, 55.0, 66.0])
    assert account.pnl == pytest.approx([10.0, -55.0, 11.0])
    assert account.block == {
        "reference_currency": "USD",
        "sample_count": 3,
        "pnl_total": pytest.approx(-34.0),
        "pnl_max_drawdown": pytest.approx(-55.0),
        "pnl_equity_peak": pytest.approx(110.0),
    }


def test_what_is_no_return_is_refused() -> None:
    with pytest.raises(BadSeries, match="index 1"):
        simulate_long_account_from_returns([0.1, float("nan"), 0.2])


def test_a_preview_has_the_shape_of_a_snapshot(tmp_path: object) -> None:
    snapshot = Runner.offline(Holding, prices(400)).snapshot()
    assert snapshot["metrics"]["status"] == "preview"
    assert len(snapshot["series_heads"]["equity"]) == 256
    assert snapshot["series_heads"]["truncated"]


def test_the_same_code_and_data_is_the_same_run() -> None:
    one, two = (Runner.offline(Momentum, prices(200)).run_id for _ in range(2))
    other = Runner.offline(Momentum(period=20), prices(200)).run_id
    longer = Runner.offline(Momentum, prices(201)).run_id
    assert one == two
    assert len({one, other, longer}) == 3


# --- the node of the envelope ---------------------------------------------------------------------------------
def test_the_alpha_node_gives_the_six_figures() -> None:
    class Told(Strategy):
        def setup(self) -> None:
            own = self.add(Node("returns", [self.stream(period=2)], lambda w: (w[-1] / w[0] - 1).mean()))
            self.add(AlphaPerformance(own, period=60))

    frame = prices(62, 2)
    outputs = replay(Engine(Told(), frame.symbols, "1d"), frame.bars())
    last = named(outputs[-1][1]["alpha_performance"])
    returns = (frame.close[1:] / frame.close[:-1] - 1).mean(axis=1)[-60:]
    assert last["alpha_performance.sharpe"] == pytest.approx(figures_of_returns(returns)["returns"]["sharpe"])
    assert list(last) == [f"alpha_performance.{name}" for name in METRICS]


def test_keys_of_an_envelope_that_are_not_known_are_ignored() -> None:
    found = read_alpha_metrics({"alpha_performance.sharpe": 2, "alpha_performance.new": 1.0, "x": "y"})
    assert found["alpha_performance.sharpe"] == 2.0
    assert found["alpha_performance.max_drawdown"] == 0.0
    assert len(found) == 6


# --- data -----------------------------------------------------------------------------------------------------
def test_frames_from_tables() -> None:
    pandas = pytest.importorskip("pandas")
    frame = prices(50, 2)
    index = pandas.DatetimeIndex(frame.times.astype("datetime64[ms]"))
    table = pandas.DataFrame(frame.close, index=index, columns=list(frame.symbols))
    assert Runner.offline(Holding, table).returns == pytest.approx(Runner.offline(Holding, frame).returns)


def test_frames_from_dicts() -> None:
    close = np.linspace(1, 2, 20)[:, None]
    data = {"times": weekdays(20), "symbols": ["A"], "close": close}
    assert isinstance(Runner.offline(Holding, data).returns, np.ndarray)
    assert Frame(weekdays(20), ("A",), {"close": close}).fingerprint().startswith("sha256:")
