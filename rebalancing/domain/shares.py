"""What worlds and strategies are of the equity, before a plan and after it: gross notional over equity."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

from rebalancing.domain.book import Strategy
from rebalancing.domain.plan import Plan
from rebalancing.domain.settling import marks_of


@dataclass(frozen=True)
class Share:
    """Fractions of equity; `before` and `after` the orders."""

    before: float
    after: float


def shares_of_strategies(plan: Plan) -> dict[Strategy, Share]:
    book, marks = plan.book, marks_of(plan.book, plan.groups)
    before: dict[Strategy, Fraction] = defaultdict(Fraction)
    after: dict[Strategy, Fraction] = defaultdict(Fraction)
    changes = dict(zip(plan.shares.row.tolist(), plan.shares.quantity.tolist(), strict=True))
    unit = 10**plan.steps.places
    for row, group in enumerate(plan.groups.of_row.tolist()):
        name, mark = book.strategies[book.strategy[row]], marks.fraction(group)
        held = Fraction(int(book.quantity[row]), 10**book.quantity_places)
        before[name] += abs(held) * mark
        after[name] += abs(held + Fraction(int(changes.get(row, 0)), unit)) * mark
    equity = plan.terms.total_equity
    return {name: Share(float(before[name] / equity), float(after[name] / equity)) for name in sorted(before)}
