"""By how much worlds and strategies grow or shrink: ratios of allocations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from rebalancing.domain.book import Book, Strategy
from rebalancing.domain.decimals import Index, narrow, product
from rebalancing.domain.ratios import Ratios
from rebalancing.domain.terms import NOTHING, Fractions, Terms

UNCHANGED = Fraction(1)
Scale: TypeAlias = tuple[int, int]
"""(top, bottom) without a common divisor, bottom > 0: to divide a thousand `Fraction`s takes longer than to plan with
them."""
NO_FRACTIONS: Fractions = {}


@dataclass(frozen=True)
class Scales:
    """Scale of each world, and of each strategy that has positions or is named with its fractions, in the order of their
    names. Few of these are `distinct`; `kind`: the place among them of each strategy of the book.
    """

    of_world: Mapping[str, Fraction]
    of_strategy: Mapping[Strategy, Scale]
    distinct: Sequence[Scale]
    kind: Index

    def changes(self, book: Book) -> Ratios:
        """What each row of the book is to change by: quantity x (scale - 1), in units."""
        unit, kind = 10**book.quantity_places, self.kind[book.strategy]
        tops = narrow([top - bottom for top, bottom in self.distinct])
        bottoms = narrow([bottom * unit for _, bottom in self.distinct])
        return Ratios(product(book.quantity, tops[kind]), bottoms[kind])

    def liquidated(self, book: Book) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Rows of the book that are to be closed altogether."""
        closed = np.array([not top for top, _ in self.distinct], dtype=bool)
        return np.asarray(closed[self.kind[book.strategy]] & (book.quantity != 0).astype(bool))


def scales_by_world(of_world: Mapping[str, Fraction], book: Book) -> Scales:
    """Every strategy at the scale of its world."""
    distinct = [of_world[world].as_integer_ratio() for world in book.worlds]
    owners = book.world_of_strategy
    of_strategy = dict(zip(book.strategies, map(distinct.__getitem__, owners.tolist()), strict=True))
    return Scales(of_world, of_strategy, distinct, owners)


def scales_by_strategy(
    of_world: Mapping[str, Fraction], of_strategy: Mapping[Strategy, Scale], book: Book
) -> Scales:
    """`of_strategy` has those of the book, and others that are named with their fractions."""
    distinct = list(dict.fromkeys(of_strategy.values()))
    kind_of = {scale: kind for kind, scale in enumerate(distinct)}
    scales = map(of_strategy.__getitem__, book.strategies)
    kind = np.fromiter(map(kind_of.__getitem__, scales), np.int64, len(book.strategies))
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
    before, after = starting_fractions(terms, book), terms.strategies_after or {}
    if not any(before.values()) or not any(after.values()):
        return scales_by_world(of_world, book)
    held, of_strategy = book.strategies_by_world(), {}
    for world in sorted({*held, *(before.keys() & after.keys())}):
        whole = of_world[world].as_integer_ratio()
        at_first, at_last = before.get(world, NO_FRACTIONS), after.get(world, NO_FRACTIONS)
        for name in sorted({*held.get(world, ()), *(at_first.keys() & at_last.keys())}):
            of_strategy[world, name] = strategy_scale(at_first.get(name), at_last.get(name), whole)
    return scales_by_strategy(of_world, of_strategy, book)


def strategy_scale(before: Fraction | None, after: Fraction | None, of_world: Scale) -> Scale:
    """Its own where both of its fractions are known, else that of its world."""
    if before is None or after is None:
        return of_world
    (n, d), (m, e) = before.as_integer_ratio(), after.as_integer_ratio()
    if n <= 0:
        return of_world
    top, bottom = m * d, e * n
    shared = math.gcd(top, bottom)
    return top // shared, bottom // shared


def starting_fractions(terms: Terms, book: Book) -> Mapping[str, Fractions]:
    """As given; where no map is, each strategy's gross notional over the equity."""
    if terms.strategies_before is not None:
        return terms.strategies_before
    fractions: dict[str, dict[str, Fraction]] = {}
    if terms.strategies_after:
        for (world, name), gross in book.gross_value_of_strategies().items():
            fractions.setdefault(world, {})[name] = gross / terms.total_equity
    return fractions
