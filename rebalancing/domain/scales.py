"""By how much worlds and strategies grow or shrink: ratios of allocations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from rebalancing.domain.book import Book, Strategy
from rebalancing.domain.decimals import Index, narrow, product
from rebalancing.domain.ratios import Ratios
from rebalancing.domain.terms import Terms

UNCHANGED = Fraction(1)
NOTHING = Fraction(0)


@dataclass(frozen=True)
class Scales:
    """Scale of each world, and of each strategy that has positions or is named with its fractions, in the order of their
    names. Few of these are `distinct` objects; `kind`: the place among them of each strategy of the book.
    """

    of_world: Mapping[str, Fraction]
    of_strategy: Mapping[Strategy, Fraction]
    distinct: Sequence[Fraction]
    kind: Index

    def changes(self, book: Book) -> Ratios:
        """What each row of the book is to change by: quantity x (scale - 1), in units."""
        unit, kind = 10**book.quantity_places, self.kind[book.strategy]
        tops = narrow([scale.numerator - scale.denominator for scale in self.distinct])
        bottoms = narrow([scale.denominator * unit for scale in self.distinct])
        return Ratios(product(book.quantity, tops[kind]), bottoms[kind])

    def liquidated(self, book: Book) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Rows of the book that are to be closed altogether."""
        if all(self.distinct):
            return np.zeros(len(book), dtype=bool)
        closed = np.array([not scale for scale in self.distinct], dtype=bool)
        return np.asarray(closed[self.kind[book.strategy]] & (book.quantity != 0).astype(bool))


def scales_by_world(of_world: Mapping[str, Fraction], book: Book) -> Scales:
    """Every strategy at the scale of its world."""
    distinct = [of_world[world] for world in book.worlds]
    owners = book.world_of_strategy
    of_strategy = dict(zip(book.strategies, map(distinct.__getitem__, owners.tolist()), strict=True))
    return Scales(of_world, of_strategy, distinct, owners)


def scales_by_strategy(
    of_world: Mapping[str, Fraction], of_strategy: Mapping[Strategy, Fraction], book: Book
) -> Scales:
    """Those with no fractions of their own share an object, the scale of their world."""
    distinct = list({id(scale): scale for scale in of_strategy.values()}.values())
    kind_of = {id(scale): kind for kind, scale in enumerate(distinct)}
    ids = map(id, map(of_strategy.__getitem__, book.strategies))
    kind = np.fromiter(map(kind_of.__getitem__, ids), np.int64, len(book.strategies))
    return Scales(of_world, of_strategy, distinct, kind)


def scale(before: Fraction, after: Fraction) -> Fraction:
    """after / before; from nothing, there is nothing to scale: 1 where something is wanted, else 0."""
    if before <= 0:
        return UNCHANGED if after > 0 else NOTHING
    return after / before


def scales_of(terms: Terms, book: Book) -> Scales:
    names = sorted({*terms.before, *terms.after})
    of_world = {
        world: scale(terms.before.get(world, NOTHING), terms.after.get(world, NOTHING)) for world in names
    }
    before, after = starting_fractions(terms, book), named(terms.strategies_after)
    if not before or not after:
        return scales_by_world(of_world, book)
    of_strategy = {
        strategy: strategy_scale(before.get(strategy), after.get(strategy), of_world[strategy[0]])
        for strategy in sorted({*book.strategies, *(before.keys() & after.keys())})
    }
    return scales_by_strategy(of_world, of_strategy, book)


def strategy_scale(before: Fraction | None, after: Fraction | None, of_world: Fraction) -> Fraction:
    """Its own where both of its fractions are known, else that of its world."""
    if before is None or after is None or before <= 0:
        return of_world
    return after / before


def starting_fractions(terms: Terms, book: Book) -> dict[Strategy, Fraction]:
    """As given; where no map is, each strategy's gross notional over the equity."""
    if terms.strategies_before is not None:
        return named(terms.strategies_before)
    if not terms.strategies_after:
        return {}
    gross = book.gross_value_of_strategies()
    return {strategy: value / terms.total_equity for strategy, value in gross.items()}


def named(maps: Mapping[str, Mapping[str, Fraction]] | None) -> dict[Strategy, Fraction]:
    return {
        (world, strategy): value
        for world, fractions in (maps or {}).items()
        for strategy, value in fractions.items()
    }
