"""The walk in sentences: who climbed, who was held by whom, who went down, and what the refused ones earned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import numpy as np
from rich.markup import escape

from qmtl.metrics import sharpe_per_period
from qmtl_site.demo import story
from qmtl_site.demo.paper import paper_record
from qmtl_site.demo.prices import Prices
from qmtl_site.demo.strategies import DemoStrategy
from qmtl_site.demo.strategies.strategy import DAYS_PER_YEAR
from qmtl_site.demo.walk import Step


def climbed(steps: Sequence[Step]) -> Iterator[str]:
    """Those together that went up on the same day for the same reason."""
    moves = sorted(story.promotions(steps), key=lambda move: (move.day, move.before))
    for (day, before), group in groupby(moves, key=lambda move: (move.day, move.before)):
        each = list(group)
        names = ", ".join(f"{move.strategy_id} ({len(move.counted)})" for move in each)
        yield f"[green]{day}[/], passes in a row in brackets: {names}. A month before: {escape(before)}."


def held(steps: Sequence[Step]) -> Iterator[str]:
    for twin in story.twins(steps):
        whom = ", ".join(
            f"{other} ({count} decisions, correlation up to {twin.highest[other]:.2f})"
            for other, count in twin.decisions.items()
        )
        yield f"[yellow]{twin.strategy_id}[/] never went live: held by {whom}."


def went_down(steps: Sequence[Step], backtest_sharpe: Mapping[str, float]) -> Iterator[str]:
    for move in story.demotions(steps):
        then = backtest_sharpe[move.strategy_id]
        now = "-" if move.score is None else f"{move.score:.2f}"
        yield (
            f"[red]{move.strategy_id}[/] on {move.day}, after {len(move.counted)} failures in a row "
            f"({', '.join(move.counted)}): {escape(move.reason)}. Sharpe {then:.2f} in its backtest, {now} live."
        )


def sharpe_since(demo: DemoStrategy, prices: Prices) -> float:
    """Annual, over the two years after the backtests."""
    returns = paper_record(demo, prices).returns
    return float(sharpe_per_period(returns[np.newaxis])[0]) * DAYS_PER_YEAR**0.5
