"""The search behind the over-fitted strategy, kept so that anybody can count its tries."""

from __future__ import annotations

from random import Random

from qmtl_site.demo.portfolio import simulate
from qmtl_site.demo.prices import BACKTEST_END, Prices
from qmtl_site.demo.strategies.mined import TRIES, WINDOW, Rule, follow
from qmtl_site.demo.strategies.strategy import DemoStrategy

WARM_UP = 350  # days that the longest rule needs before its first position


def mine(prices: Prices) -> Rule:
    """The rule with the highest Sharpe over the backtest's last years, of all tried; a tie goes to the first."""
    prices = prices.until(BACKTEST_END)
    recent = Prices(
        dates=prices.dates[-WINDOW - WARM_UP :],
        close=prices.close[:, -WINDOW - WARM_UP :],
        tickers=prices.tickers,
    )
    return max((draw(attempt) for attempt in range(TRIES)), key=lambda rule: _sharpe(rule, recent))


def draw(attempt: int) -> Rule:
    """The rule of one try, out of thin air."""
    random = Random(attempt)
    return Rule(
        assets=tuple(sorted(random.sample(range(20), 8))),
        lookback=random.randrange(5, 250),
        skip=random.randrange(0, 20),
        every=random.randrange(5, 60),
        contrarian=random.random() < 0.5,
    )


def as_strategy(rule: Rule) -> DemoStrategy:
    """Any rule of the search as something that can be simulated."""
    return DemoStrategy(
        id="mined_try",
        name="One try",
        family="mined",
        tags=("overfit",),
        side="both",
        description="One of the tries behind mined_500.",
        weights=lambda prices: follow(rule, prices),
        search_intensity=TRIES,
        record_days=WINDOW,
    )


def _sharpe(rule: Rule, prices: Prices) -> float:
    returns = simulate(as_strategy(rule), prices).returns
    return float(returns.mean() / returns.std(ddof=1))
