"""The strategies are honest: they see the past only, pay for trading, and do the same thing every time."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmtl_site.demo.mining import mine
from qmtl_site.demo.portfolio import Simulation, simulate
from qmtl_site.demo.prices import Prices, load_prices
from qmtl_site.demo.strategies import DEMO, DemoStrategy
from qmtl_site.demo.strategies.mined import LUCKIEST
from qmtl_site.demo.strategies.strategy import Weights

RECENT = 1_200  # days: enough for every warm-up, few enough to be run often

each_strategy = pytest.mark.parametrize("strategy", DEMO, ids=lambda strategy: strategy.id)


def recent_prices(changed_after: int | None = None, seed: int = 0) -> Prices:
    """The last days of the data; after one of them, if asked, every close is another."""
    prices = load_prices()
    close = prices.close[:, -RECENT:].copy()
    if changed_after is not None:
        future = close[:, changed_after + 1 :]
        future *= np.random.default_rng(seed).uniform(0.5, 2.0, size=future.shape)
    return Prices(dates=prices.dates[-RECENT:], close=close, tickers=prices.tickers)


def weights_until(strategy: DemoStrategy, prices: Prices, day: int) -> Weights:
    return strategy.weights(prices)[: day + 1]


def returns_until(strategy: DemoStrategy, prices: Prices, day: int) -> list[float]:
    record = simulate(strategy, prices, start=int(prices.dates[0]), end=int(prices.dates[day]))
    return [float(value) for value in record.returns]


def peek(prices: Prices) -> Weights:
    """All the money on tomorrow's best asset."""
    tomorrow = np.roll(prices.by_day, -1, axis=0) / prices.by_day
    return np.where(tomorrow == tomorrow.max(axis=1, keepdims=True), 1.0, 0.0)


# Weights, and not only returns: a peek at tomorrow alone changes no return of a day that is already over.
@each_strategy
@settings(max_examples=10, deadline=None)
@given(day=st.integers(800, RECENT - 2), seed=st.integers(0, 2**32 - 1))
def test_nothing_depends_on_a_later_price(strategy: DemoStrategy, day: int, seed: int) -> None:
    known, other = recent_prices(), recent_prices(changed_after=day, seed=seed)
    np.testing.assert_array_equal(weights_until(strategy, other, day), weights_until(strategy, known, day))
    assert returns_until(strategy, other, day) == returns_until(strategy, known, day)


def test_a_peek_at_tomorrow_would_be_noticed() -> None:
    cheat = DemoStrategy("peek", "Peek", "cheat", (), "long", "", peek)
    known, other = recent_prices(), recent_prices(changed_after=1_000)
    assert not np.array_equal(weights_until(cheat, other, 1_000), weights_until(cheat, known, 1_000))


@each_strategy
def test_costs_never_raise_a_return(strategy: DemoStrategy) -> None:
    free, paid = (simulate(strategy, recent_prices(), cost_bps=bps).returns for bps in (0.0, 5.0))
    assert (paid <= free).all()
    assert paid.sum() < free.sum()


@each_strategy
def test_the_same_prices_give_the_same_record(strategy: DemoStrategy) -> None:
    first, second = simulate(strategy, recent_prices()), simulate(strategy, recent_prices())
    assert first.returns.tolist() == second.returns.tolist()
    assert first.trades == second.trades


@each_strategy
def test_no_strategy_borrows(strategy: DemoStrategy) -> None:
    gross = np.abs(strategy.weights(recent_prices())).sum(axis=1)
    assert np.nanmax(gross) <= 1.0 + 1e-12


@each_strategy
def test_a_strategy_is_on_the_side_that_it_says(strategy: DemoStrategy) -> None:
    goes_short = bool((strategy.weights(recent_prices()) < 0.0).any())
    assert goes_short == (strategy.side == "both")


@each_strategy
def test_a_record_has_a_finite_return_for_each_of_its_days(
    strategy: DemoStrategy, records: dict[str, Simulation]
) -> None:
    record = records[strategy.id]
    assert len(record.returns) == len(record.timestamps) == strategy.record_days
    assert np.isfinite(record.returns).all()
    assert (record.returns >= -1.0).all()


def test_there_are_at_least_twelve_of_different_kinds() -> None:
    assert len(DEMO) >= 12
    assert len({strategy.family for strategy in DEMO}) >= 6


def test_ids_are_valid_and_unique() -> None:
    ids = [strategy.id for strategy in DEMO]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}", each) for each in ids)


def test_the_mined_rule_is_the_luckiest_of_its_declared_tries(prices: Prices) -> None:
    assert mine(prices) == LUCKIEST
