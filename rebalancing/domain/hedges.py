"""Whose a world's proxy order is: the world's as a whole, booked to those who hold what it hedges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from fractions import Fraction

from rebalancing.domain.book import Book, Strategy

Weights = Sequence[tuple[Strategy, Fraction]]


def holders_of(book: Book) -> dict[str, Weights]:
    """By world, who holds something there and its gross notional, in the order of names."""
    found: dict[str, list[tuple[Strategy, Fraction]]] = defaultdict(list)
    for strategy, worth in sorted(book.gross_value_of_strategies().items()):
        if worth:
            found[strategy[0]].append((strategy, worth))
    return dict(found)


def hedge_parts(quantity: Fraction, holders: Weights, places: int) -> Mapping[Strategy, Fraction]:
    """A quantity by the weights, in steps of 10**-`places`, rounded towards zero; what that leaves is the largest
    holder's. All parts have the sign of the whole, and sum to it exactly.
    """
    if not holders:
        return {}
    unit, whole = 10**places, sum((worth for _, worth in holders), Fraction(0))
    sign = -1 if quantity < 0 else 1
    parts = {
        strategy: sign * Fraction(int(abs(quantity) * unit * worth / whole), unit)
        for strategy, worth in holders
    }
    largest = max(holders, key=lambda each: each[1])[0]
    parts[largest] += quantity - sum(parts.values(), Fraction(0))
    return {strategy: part for strategy, part in parts.items() if part}
